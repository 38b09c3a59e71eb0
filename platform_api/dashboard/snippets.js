// One metered call in three languages, ready to paste. Written for what each has without installing anything.

export const LANGUAGES = ["curl", "Python", "JavaScript"];

/** The code that counts one call of the end-user `alice`. */
export function snippet(language, url, key) {
  const written = {
    curl: `curl -X POST ${url}/api/data \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'X-User-Id: alice'`,
    Python: `import json, urllib.error, urllib.request

call = urllib.request.Request("${url}/api/data", method="POST", headers={
    "Authorization": "Bearer ${key}",
    "X-User-Id": "alice",
})
try:
    with urllib.request.urlopen(call) as answer:
        print(json.load(answer)["usage"])
except urllib.error.HTTPError as refused:
    print(refused.code, json.load(refused)["message"])`,
    JavaScript: `const answer = await fetch("${url}/api/data", {
  method: "POST",
  headers: { Authorization: "Bearer ${key}", "X-User-Id": "alice" },
});
const body = await answer.json();
console.log(answer.ok ? body.usage : body.message);`,
  };
  return written[language];
}
