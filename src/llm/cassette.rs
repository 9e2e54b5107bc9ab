//! Answers kept in a file, so that what was bought once can be played again without a provider. Layer 3.
//!
//! An answer is found by the hash of the very bytes that were sent. A miss is an error and never a call: whoever changes a
//! prompt sees it. Only what was whole is kept; secrets are not in it, since none are in a prompt and answers are redacted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Answer, Bounds, Finish, Llm, LlmError, Payload, Request};
use crate::model::Tokens;
use crate::redact::Redactor;

/// One kept answer, a line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sha256: String,
    model: String,
    text: String,
    answered_by: Option<String>,
    usage: Option<Tokens>,
    finish: String,
}

impl Line {
    fn answer(&self) -> Answer {
        let finish = [Finish::Stop, Finish::Length, Finish::Filtered].into_iter().find(|f| f.as_str() == self.finish);
        Answer {
            text: self.text.clone(),
            model: self.answered_by.clone(),
            usage: self.usage,
            finish: finish.unwrap_or(Finish::Other),
            request_id: None,
        }
    }
}

/// Plays what was kept.
#[derive(Debug)]
pub struct Player<L> {
    /// Whose bytes are looked up; it is never asked.
    shape: L,
    lines: BTreeMap<String, Line>,
}

impl<L: Llm> Player<L> {
    /// Reads a file of kept answers; `shape` writes the bodies that were sent then.
    ///
    /// # Errors
    /// With the line that is none.
    pub fn new(shape: L, file: &str) -> Result<Self, String> {
        let mut lines = BTreeMap::new();
        for (at, text) in file.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let line: Line = serde_json::from_str(text).map_err(|e| format!("line {}: {e}", at + 1))?;
            lines.insert(line.sha256.clone(), line);
        }
        Ok(Self { shape, lines })
    }
}

#[async_trait]
impl<L: Llm> Llm for Player<L> {
    fn system(&self) -> &'static str {
        self.shape.system()
    }

    fn payload(&self, request: &Request<'_>) -> Payload {
        self.shape.payload(request)
    }

    async fn send(&self, payload: &Payload, bounds: Bounds) -> Result<Answer, LlmError> {
        let kept = self.lines.get(&payload.sha256());
        let answer = kept.map(Line::answer).ok_or_else(|| {
            LlmError::NotSent("the cassette has no answer to this prompt; record it again".to_owned())
        })?;
        if answer.text.len() > bounds.answer {
            let why = format!("it is longer than the {} bytes allowed", bounds.answer);
            return Err(LlmError::Unusable { why, usage: answer.usage });
        }
        Ok(answer)
    }
}

/// Asks a real provider and keeps what it answers.
#[derive(Debug)]
pub struct Recorder<L> {
    real: L,
    redactor: Redactor,
    kept: Mutex<BTreeMap<String, Line>>,
}

impl<L: Llm> Recorder<L> {
    /// Makes one around a provider.
    pub fn new(real: L, redactor: Redactor) -> Self {
        Self { real, redactor, kept: Mutex::default() }
    }

    /// Returns the file so far, sorted, so that recording twice gives the same bytes.
    pub fn file(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().filter_map(|line| serde_json::to_string(line).ok()).map(|line| line + "\n").collect()
    }
}

#[async_trait]
impl<L: Llm> Llm for Recorder<L> {
    fn system(&self) -> &'static str {
        self.real.system()
    }

    fn payload(&self, request: &Request<'_>) -> Payload {
        self.real.payload(request)
    }

    async fn send(&self, payload: &Payload, bounds: Bounds) -> Result<Answer, LlmError> {
        let answer = self.real.send(payload, bounds).await?;
        let line = Line {
            sha256: payload.sha256(),
            model: payload.model().to_owned(),
            text: self.redactor.redact(&answer.text).into_string(),
            answered_by: answer.model.clone(),
            usage: answer.usage,
            finish: answer.finish.as_str().to_owned(),
        };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(line.sha256.clone(), line);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::Prompt;
    use crate::llm::scripted::Scripted;
    use crate::redact::Redacted;

    fn told(text: &str) -> Prompt {
        let task: Redacted = Redactor::new(&[]).redact(text);
        Prompt { task, ..Prompt::default() }
    }

    #[tokio::test]
    async fn what_was_recorded_is_played_and_a_miss_is_no_call() {
        let recorder = Recorder::new(Scripted::saying(["mend it", "ann@example.com knows"]), Redactor::new(&[]));
        let (one, two) = (told("one"), told("two"));
        let ask = async |model: &dyn Llm, prompt: &Prompt| {
            let payload = model.payload(&Request { model: "m", prompt, max_output: 10 });
            model.send(&payload, Bounds::default()).await.map(|answer| answer.text)
        };
        assert_eq!(ask(&recorder, &one).await, Ok("mend it".to_owned()));
        ask(&recorder, &two).await.expect("an answer");
        let file = recorder.file();
        assert!(file.lines().count() == 2 && !file.contains("example.com"), "{file}");
        let player = Player::new(Scripted::default(), &file).expect("a cassette");
        assert_eq!(ask(&player, &one).await, Ok("mend it".to_owned()));
        assert_eq!(ask(&player, &one).await, Ok("mend it".to_owned()));
        assert_eq!(ask(&player, &two).await, Ok("<EMAIL_1> knows".to_owned()));
        assert!(matches!(ask(&player, &told("three")).await, Err(LlmError::NotSent(_))));
        assert!(Player::new(Scripted::default(), "{\"sha256\":1}").is_err_and(|why| why.starts_with("line 1")));
    }
}
