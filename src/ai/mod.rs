//! What is decided about language models: which one may be asked, what it costs at most, what its answer means. Layer 1.
//!
//! Pure; the call itself is the port `llm`. Refuses to believe an answer: it is parsed strictly and becomes a patch like
//! any other, which guardrails and tests judge.

mod answer;
mod complexity;
mod edit;
mod excerpt;
mod price;
mod privacy;
mod projection;
mod prompt;
mod review;

pub use answer::{Answer, AnswerError, Block, Fix, MAX_ANSWER, MAX_BLOCKS, parse_answer};
pub use complexity::{Complexity, Facts, Point, complexity};
pub use edit::{EditError, Edited, Loose, apply};
pub use excerpt::{Excerpt, excerpts};
pub use price::{MAX_AGE, OVERHEAD_TOKENS, Price, PriceError, PriceTable};
pub use privacy::{Ceilings, Classes, Privacy};
pub use projection::{Asks, Mix, Projection, REVIEW, TierCost, assumed, project};
pub use prompt::{Brief, MAX_PROMPT, PROMPT_VERSION, PromptError, Task, Written, write_prompt};
pub use review::{Review, parse_review};
