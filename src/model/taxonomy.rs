//! The one taxonomy of failures, fixers and ends of attempts. Layer 0.

use serde::{Deserialize, Serialize};

/// Declares a closed list of names with their stable kebab-case texts.
macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$item_doc])* #[serde(rename = $text)] $item),+ }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// Returns the stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|item| item.as_str() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|item| item.as_str()).collect();
                    format!("{text:?} is none of {}", names.join(", "))
                })
            }
        }
    };
}
pub(crate) use closed_list;

closed_list! {
    /// Who can do something about a failure.
    Lane {
        /// A change of code can mend it.
        Code = "code",
        /// It comes and goes on one commit.
        Flaky = "flaky",
        /// Machines or services failed.
        Infra = "infra",
        /// Settings or secrets are wrong.
        Config = "config",
    }
}

closed_list! {
    /// How much of a model a failure is given, cheapest first (PRODUCT.md, Fix).
    Tier {
        /// One cheap model.
        Simple = "simple",
        /// A second model reviews what the first wrote.
        Medium = "medium",
        /// The most capable model allowed.
        Complex = "complex",
    }
}

closed_list! {
    /// How a provider of models is spoken to.
    ProviderKind {
        /// Anthropic's messages.
        Anthropic = "anthropic",
        /// OpenAI's chat completions, and every server that speaks like it.
        OpenAi = "openai",
        /// DeepSeek.
        DeepSeek = "deepseek",
        /// Google's Gemini.
        Gemini = "gemini",
        /// GitHub Models.
        GitHub = "github",
        /// OpenRouter.
        OpenRouter = "openrouter",
        /// Ollama, on this machine.
        Ollama = "ollama",
    }
}

closed_list! {
    /// Who may read a text, least private first (THREATS.md, privacy).
    DataClass {
        /// Everybody.
        Public = "public",
        /// Whoever may read the repository, and every configured provider.
        Internal = "internal",
        /// Approved providers alone.
        Restricted = "restricted",
        /// Nobody outside this machine.
        Never = "never",
    }
}

closed_list! {
    /// What failed.
    Kind {
        /// A build step.
        Build = "build",
        /// A type checker.
        Type = "type",
        /// A linter.
        Lint = "lint",
        /// A formatter in check mode.
        Format = "format",
        /// A test.
        Test = "test",
        /// A running program.
        Runtime = "runtime",
        /// Installing or resolving a dependency.
        Dependency = "dependency",
        /// A time limit.
        Timeout = "timeout",
        /// Memory ran out.
        Memory = "memory",
        /// Something was not permitted.
        Permission = "permission",
        /// The network.
        Network = "network",
        /// Space ran out.
        Disk = "disk",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

closed_list! {
    /// A language whose traces, tests or syntax the program knows.
    Language {
        /// JavaScript, of any engine.
        JavaScript = "javascript",
        /// TypeScript.
        TypeScript = "typescript",
        /// TypeScript with JSX.
        Tsx = "tsx",
        /// Python.
        Python = "python",
        /// Rust.
        Rust = "rust",
        /// Go.
        Go = "go",
        /// Java.
        Java = "java",
        /// Kotlin.
        Kotlin = "kotlin",
        /// C#.
        CSharp = "csharp",
        /// Ruby.
        Ruby = "ruby",
        /// PHP.
        Php = "php",
        /// Code with native frames only.
        Native = "native",
    }
}

impl Language {
    /// Returns the language of a file by its extension, where known.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "js" | "mjs" | "cjs" | "jsx" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "py" | "pyi" => Self::Python,
            "rs" => Self::Rust,
            "go" => Self::Go,
            "java" => Self::Java,
            "kt" | "kts" => Self::Kotlin,
            "cs" => Self::CSharp,
            "rb" => Self::Ruby,
            "php" => Self::Php,
            "c" | "h" | "cc" | "cpp" | "hpp" => Self::Native,
            _ => return None,
        })
    }

    /// Returns the group of languages whose failures can be the same failure.
    pub fn family(self) -> &'static str {
        match self {
            Self::JavaScript | Self::TypeScript | Self::Tsx => "js",
            Self::Java | Self::Kotlin => "jvm",
            other => other.as_str(),
        }
    }
}

closed_list! {
    /// Which kind of fixer made a patch.
    Source {
        /// A tool that the repository already has.
        Native = "native",
        /// A pattern of the library.
        Pattern = "pattern",
        /// A language model.
        Ai = "ai",
    }
}

closed_list! {
    /// How an attempt ended.
    Status {
        /// A proven patch exists.
        Fixed = "fixed",
        /// A rule or a policy refused.
        Refused = "refused",
        /// No fixer had a patch that holds.
        Unfixed = "unfixed",
        /// Something broke, and we do not know.
        Failed = "failed",
        /// It was not this run's to try.
        Skipped = "skipped",
    }
}
