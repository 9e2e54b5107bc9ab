//! The port to language models: one prompt out, one answer in, both bounded. Layer 2.
//!
//! Only text that the redactor has read can become a prompt, and only an adapter can make the bytes of a request of it,
//! so that what is sent can be priced, hashed and shown before it leaves. Refuses to retry, to keep a conversation and to
//! give a model tools: whoever asks decides whether to ask again, and an answer is nothing but text.

pub mod cassette;
pub mod scripted;

use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Tokens, sha256_hex};
use crate::redact::Redacted;

/// What a model is told, in the order in which it stays the same from call to call, so that providers can cache the
/// beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    /// What it is to do and in which form it answers: the same for every failure.
    pub system: Redacted,
    /// The repository's conventions and code: the same for every try of one failure.
    pub context: Redacted,
    /// The failure, and what earlier tries broke.
    pub task: Redacted,
}

/// One request, with nothing left to decide.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The model's name as its provider knows it.
    pub model: &'a str,
    /// What it is told.
    pub prompt: &'a Prompt,
    /// The most tokens that it may answer, reasoning included.
    pub max_output: u32,
}

/// The exact body of a request; what is hashed and priced is what is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    model: String,
    bytes: Vec<u8>,
}

impl Payload {
    /// Makes the payload of what an adapter wrote for a model.
    pub(in crate::llm) fn new(model: &str, bytes: Vec<u8>) -> Self {
        Self { model: model.to_owned(), bytes }
    }

    /// Returns the model's name as its provider knows it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the hash of the body, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.bytes)
    }
}

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the answer's text; one more ends the exchange.
    pub answer: usize,
    /// How long a provider may be silent.
    pub silence: Duration,
    /// How long the whole exchange may take.
    pub whole: Duration,
}

impl Default for Bounds {
    /// Room for the largest patch that the guardrails could let pass, and for a model that thinks for minutes.
    fn default() -> Self {
        Self { answer: 1 << 20, silence: Duration::from_mins(3), whole: Duration::from_mins(10) }
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    Stop,
    /// It ran out of the tokens allowed.
    Length,
    /// Its provider held the answer back.
    Filtered,
    /// For a reason of which we know no meaning.
    Other,
}

impl Finish {
    /// Returns the word that the conventions for traces of models know it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Filtered => "content_filter",
            Self::Other => "other",
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text, as it came.
    pub text: String,
    /// The model that says it answered.
    pub model: Option<String>,
    /// What the provider counted; `None` where it said nothing that can be read.
    pub usage: Option<Tokens>,
    /// Why it stopped.
    pub finish: Finish,
    /// The provider's name of the exchange, in characters that no log minds.
    pub request_id: Option<String>,
}

/// Why there is no whole answer. The words are ours: what a provider says of a request may repeat it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// Nothing reached the provider.
    #[error("nothing was sent: {0}")]
    NotSent(String),
    /// The provider turned the request down: a wrong key, a model that it has not, a request that it cannot read.
    #[error("the provider refused the request with status {status}{}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The status.
        status: u16,
        /// The provider's own code for it, if that is a plain word.
        code: Option<String>,
    },
    /// The provider asks to come back later.
    #[error("the provider is busy (status {status})")]
    Busy {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request was sent, and no whole answer came.
    #[error("the answer was lost: {why}")]
    Lost {
        /// What happened.
        why: String,
        /// What the provider had counted by then.
        usage: Option<Tokens>,
    },
    /// The answer is longer than allowed, or no answer in the provider's own form.
    #[error("the answer cannot be used: {why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
        /// What the provider had counted by then.
        usage: Option<Tokens>,
    },
}

impl LlmError {
    /// Returns whether providers charge nothing for it: an error status before any answer, or nothing sent at all.
    pub const fn is_free(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Refused { .. } | Self::Busy { .. } => true,
            Self::Lost { .. } | Self::Unusable { .. } => false,
        }
    }

    /// Returns a word for traces.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not_sent",
            Self::Refused { .. } => "refused",
            Self::Busy { .. } => "busy",
            Self::Lost { .. } => "lost",
            Self::Unusable { .. } => "unusable",
        }
    }
}

/// One provider of models.
#[async_trait]
pub trait Llm: Send + Sync {
    /// Names its kind as the conventions for traces do: `openai`, `anthropic`, `deepseek`, `gcp.gemini`.
    fn system(&self) -> &'static str;

    /// Writes the body of a request; the same request gives the same bytes.
    fn payload(&self, request: &Request<'_>) -> Payload;

    /// Sends it once and reads the answer. Dropping the future ends the exchange.
    ///
    /// # Errors
    /// [`LlmError`], which says what is known of the cost.
    async fn send(&self, payload: &Payload, bounds: Bounds) -> Result<Answer, LlmError>;
}
