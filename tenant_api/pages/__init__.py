"""The pages that end-users see: templates, one stylesheet, small scripts, and the words made of tiers."""
