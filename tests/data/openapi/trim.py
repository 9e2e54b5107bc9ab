#!/usr/bin/env python3
"""Takes the operations that Homeostat uses out of GitHub's published descriptions, without their prose.

    npm pack @octokit/openapi@23.0.2 && npm pack @octokit/graphql-schema@15.26.1
    python3 trim.py octokit-openapi-23.0.2.tgz octokit-graphql-schema-15.26.1.tgz

Writes `api.json` (OpenAPI operations, schemas as `$defs`) and `graphql.json` (types, fields, arguments) beside itself.
Refuses packages whose digest is not the one below, and operations that the description does not have.
"""

import base64
import hashlib
import json
import pathlib
import sys
import tarfile

OPENAPI = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
GRAPHQL = "RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA=="

OPERATIONS = """
GET /app
GET /app/installations/{installation_id}
POST /app/installations/{installation_id}/access_tokens
GET /orgs/{org}/installation
GET /rate_limit
GET /user
GET /users/{username}
GET /users/{username}/installation
GET /repos/{owner}/{repo}
GET /repos/{owner}/{repo}/actions/artifacts
GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}
GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs
GET /repos/{owner}/{repo}/actions/permissions
GET /repos/{owner}/{repo}/actions/permissions/workflow
GET /repos/{owner}/{repo}/actions/runs
GET /repos/{owner}/{repo}/actions/runs/{run_id}
GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs
POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches
GET /repos/{owner}/{repo}/branches/{branch}
GET /repos/{owner}/{repo}/branches/{branch}/protection
GET /repos/{owner}/{repo}/collaborators/{username}/permission
GET /repos/{owner}/{repo}/commits/{ref}
GET /repos/{owner}/{repo}/commits/{ref}/check-runs
GET /repos/{owner}/{repo}/commits/{ref}/status
GET /repos/{owner}/{repo}/compare/{basehead}
GET /repos/{owner}/{repo}/environments/{environment_name}
POST /repos/{owner}/{repo}/git/blobs
GET /repos/{owner}/{repo}/git/blobs/{file_sha}
POST /repos/{owner}/{repo}/git/commits
GET /repos/{owner}/{repo}/git/commits/{commit_sha}
GET /repos/{owner}/{repo}/git/matching-refs/{ref}
GET /repos/{owner}/{repo}/git/ref/{ref}
POST /repos/{owner}/{repo}/git/refs
PATCH /repos/{owner}/{repo}/git/refs/{ref}
POST /repos/{owner}/{repo}/git/trees
GET /repos/{owner}/{repo}/git/trees/{tree_sha}
GET /repos/{owner}/{repo}/installation
GET /repos/{owner}/{repo}/issues
POST /repos/{owner}/{repo}/issues
GET /repos/{owner}/{repo}/issues/{issue_number}
PATCH /repos/{owner}/{repo}/issues/{issue_number}
POST /repos/{owner}/{repo}/issues/{issue_number}/assignees
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
GET /repos/{owner}/{repo}/issues/{issue_number}/events
POST /repos/{owner}/{repo}/issues/{issue_number}/labels
DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}
GET /repos/{owner}/{repo}/issues/{issue_number}/timeline
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
GET /repos/{owner}/{repo}/labels
POST /repos/{owner}/{repo}/labels
GET /repos/{owner}/{repo}/labels/{name}
GET /repos/{owner}/{repo}/milestones
GET /repos/{owner}/{repo}/pulls
POST /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}
PATCH /repos/{owner}/{repo}/pulls/{pull_number}
POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers
GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews
GET /repos/{owner}/{repo}/rules/branches/{branch}
""".split("\n")

# Kept whole: their fields are what queries name. Every other type is kept by name and kind alone.
TYPES = """
Query Mutation Repository Ref RefConnection Commit Issue IssueConnection PullRequest Actor User Bot PageInfo RateLimit
StatusCheckRollup UpdateRefsInput UpdateRefsPayload RefUpdate IssueFilters IssueOrder LabelConnection Label GitObject Tree
IssueOrPullRequest UserContentEdit UserContentEditConnection EnablePullRequestAutoMergeInput EnablePullRequestAutoMergePayload
CreateCommitOnBranchInput CreateCommitOnBranchPayload CommittableBranch FileChanges FileAddition FileDeletion CommitMessage
ConvertPullRequestToDraftInput MarkPullRequestReadyForReviewInput
""".split()

PROSE = {"description", "example", "examples", "externalDocs", "x-github", "title", "default", "deprecated", "discriminator", "format", "x-github-breaking-changes", "xml"}


def read(path, digest, member):
    data = pathlib.Path(path).read_bytes()
    seen = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if seen != digest:
        sys.exit(f"{path}: sha512-{seen} is not the package that this list was made for")
    with tarfile.open(path) as archive:
        return json.load(archive.extractfile(member))


class OpenApi:
    def __init__(self, whole):
        self.whole = whole
        self.defs = {}

    def resolve(self, pointer):
        node = self.whole
        for part in pointer.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def schema(self, node, under_properties=False):
        """Rewrites one schema as JSON Schema 2020-12: `nullable` becomes a type, references go to `$defs`."""
        if isinstance(node, list):
            return [self.schema(one) for one in node]
        if not isinstance(node, dict):
            return node
        if under_properties:
            return {name: self.schema(one) for name, one in node.items()}
        if "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[1]
            if name not in self.defs:
                self.defs[name] = None
                self.defs[name] = self.schema(self.resolve(node["$ref"]))
            return {"$ref": f"#/$defs/{name}"}
        out = {}
        for key, value in node.items():
            if key in PROSE or key == "nullable":
                continue
            out[key] = self.schema(value, key in ("properties", "patternProperties"))
        if node.get("nullable"):
            if isinstance(out.get("type"), str):
                out["type"] = [out["type"], "null"]
                if "enum" in out and None not in out["enum"]:
                    out["enum"] = out["enum"] + [None]
            else:
                out = {"anyOf": [out, {"type": "null"}]}
        return out

    def operation(self, method, path):
        raw = self.whole["paths"][path][method.lower()]
        parameters = [self.resolve(one["$ref"]) if "$ref" in one else one for one in raw.get("parameters", [])]
        out = {
            "method": method,
            "path": path,
            "query": {
                one["name"]: {"required": bool(one.get("required")), "schema": self.schema(one["schema"])}
                for one in parameters
                if one["in"] == "query"
            },
            "responses": {},
        }
        body = raw.get("requestBody")
        if body:
            content = body["content"]["application/json"]["schema"]
            out["request"] = {"required": bool(body.get("required")), "schema": self.schema(content)}
        for status, response in raw["responses"].items():
            if "$ref" in response:
                response = self.resolve(response["$ref"])
            json_body = next((v for k, v in response.get("content", {}).items() if "json" in k), None)
            out["responses"][status] = self.schema(json_body["schema"]) if json_body and "schema" in json_body else None
        return out


def openapi(path):
    whole = OpenApi(read(path, OPENAPI, "package/generated/api.github.com.json"))
    operations = []
    for line in OPERATIONS:
        if line:
            operations.append(whole.operation(*line.split(" ")))
    for name in ("basic-error", "validation-error"):
        whole.schema({"$ref": f"#/components/schemas/{name}"})
    return {"operations": operations, "$defs": dict(sorted(whole.defs.items()))}


def written(type_):
    """Writes a type of an introspection as GraphQL does."""
    if type_["kind"] == "NON_NULL":
        return written(type_["ofType"]) + "!"
    if type_["kind"] == "LIST":
        return f"[{written(type_['ofType'])}]"
    return type_["name"]


def graphql(path):
    whole = read(path, GRAPHQL, "package/schema.json")
    types = (whole.get("data") or whole).get("__schema", whole)["types"]
    known = {one["name"]: one for one in types}
    missing = [name for name in TYPES if name not in known]
    if missing:
        sys.exit(f"the schema has no {missing}")
    out, named = {}, set()

    def inputs(all_):
        return {one["name"]: {"type": written(one["type"]), "default": one["defaultValue"] is not None} for one in all_}

    def keep(one):
        entry = {"kind": one["kind"]}
        if one["fields"]:
            entry["fields"] = {f["name"]: {"type": written(f["type"]), "args": inputs(f["args"])} for f in one["fields"]}
        if one["inputFields"]:
            entry["inputs"] = inputs(one["inputFields"])
        if one["enumValues"]:
            entry["values"] = [value["name"] for value in one["enumValues"]]
        if one.get("possibleTypes"):
            entry["possible"] = [possible["name"] for possible in one["possibleTypes"]]
        return entry

    roots = {
        "Query": {"repository", "rateLimit", "viewer", "node", "nodes"},
        "Mutation": {"updateRefs", "enablePullRequestAutoMerge", "createCommitOnBranch", "disablePullRequestAutoMerge",
                     "convertPullRequestToDraft", "markPullRequestReadyForReview"},
    }
    for name in TYPES:
        entry = keep(known[name])
        if name in roots:
            entry["fields"] = {k: v for k, v in entry["fields"].items() if k in roots[name]}
        out[name] = entry
        for field in entry.get("fields", {}).values():
            named.update([field["type"], *(arg["type"] for arg in field["args"].values())])
        named.update(one["type"] for one in entry.get("inputs", {}).values())
        named.update(entry.get("possible", []))
    for name in sorted({text.strip("[]!") for text in named} - set(out)):
        one = known[name]
        out[name] = {"kind": one["kind"]}
        if one["kind"] == "ENUM":
            out[name]["values"] = [value["name"] for value in one["enumValues"]]
        if one["kind"] == "INPUT_OBJECT":
            out[name]["inputs"] = inputs(one["inputFields"])
    return {"types": dict(sorted(out.items()))}


def main():
    here = pathlib.Path(__file__).parent
    for name, value in (("api.json", openapi(sys.argv[1])), ("graphql.json", graphql(sys.argv[2]))):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        # One line an operation, definition or type, so that a change can be read.
        text = text.replace('},"', '},\n"').replace('},{"method"', '},\n{"method"')
        (here / name).write_text(text + "\n")
        print(f"{name}: {len(text) // 1024} KiB")


main()
