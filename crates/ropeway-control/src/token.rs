//! The secret that opens the control API.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of randomness: twice what nobody will ever guess.
const RANDOM_BYTES: usize = 32;

/// A random secret of one start: while no engine runs, whoever has its port may take the key from the browser that keeps
/// it, and has nothing then. `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(String);

impl Token {
    /// A new token.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random_hex().map(Self)
    }

    /// What only who has the token can say about `nonce`, and only the server of `port` says: no other program that
    /// listens in its place, or passes the question on, can give this answer.
    pub(crate) fn proof(&self, nonce: &str, port: u16) -> String {
        hex(&Sha256::digest(format!("{}:{port}:{nonce}", self.0)))
    }

    /// Whether `shown` is that.
    pub(crate) fn has_proved(&self, shown: &str, nonce: &str, port: u16) -> bool {
        self.proof(nonce, port).as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// Whether `shown` is this token; takes as long for a near miss as for a far one.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// The secret itself, for who may have it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Random bytes that nobody guesses, in hexadecimal digits.
pub(crate) fn random_hex() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_token_one_question_and_one_port() {
        let token = Token("ab".repeat(RANDOM_BYTES));
        let proof = token.proof("question", 7373);
        assert!(token.has_proved(&proof, "question", 7373) && !proof.contains(token.expose()));
        assert!(!token.has_proved(&proof, "another", 7373) && !token.has_proved(&proof, "question", 7374));
        assert!(!Token::random().unwrap().has_proved(&proof, "question", 7373));
    }

    #[test]
    fn tokens_differ_and_only_the_whole_token_opens() {
        let token = Token::random().unwrap();
        assert!(token.expose().len() == 64 && token.expose() != Token::random().unwrap().expose());
        assert!(token.is(token.expose()));
        for wrong in ["", "0", &token.expose()[..63], &format!("{}0", token.expose()), "x"] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
