// In place of Clerk's interface bundle: the double draws its own plain forms, this only has to be there.
window.__internal_ClerkUICtor = class ClerkUI {};
