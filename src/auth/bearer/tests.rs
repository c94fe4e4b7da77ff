use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::auth::TokenRules;
use crate::auth::testing::{SECRET, USER, clock, hs256};
use crate::user::UserId;

fn verifier() -> Verifier {
    let rules = TokenRules {
        secrets: vec![SecretString::from(SECRET)],
        jwks_url: None,
        issuer: None,
        audience: None,
        subject_claim: "sub".to_owned(),
    };
    Verifier::new(rules, clock()).unwrap()
}

/// What is made of a request with these `Authorization` headers.
async fn user(values: &[&[u8]]) -> Result<UserId> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    authenticate(&headers, &verifier()).await.map(|verified| verified.user)
}

#[tokio::test]
async fn one_bearer_token_is_a_user() {
    let token = hs256(&json!({}));
    for start in ["Bearer ", "bearer ", "BEARER ", "Bearer    "] {
        for end in ["", " ", "   "] {
            let value = format!("{start}{token}{end}");
            let user = user(&[value.as_bytes()]).await;
            assert_eq!(user.unwrap().as_str(), USER, "{start:?} {end:?}");
        }
    }
}

#[tokio::test]
async fn anything_else_is_refused_with_a_sentence() {
    let token = hs256(&json!({}));
    let good = format!("Bearer {token}");
    let with = |start: &str, end: &str| format!("{start}{token}{end}").into_bytes();
    let cases: &[(&str, Vec<Vec<u8>>, &str)] = &[
        ("no header", vec![], "Send a token"),
        ("the same header twice", vec![good.clone().into_bytes(); 2], "not several"),
        ("a second, empty header", vec![good.clone().into_bytes(), vec![]], "not several"),
        ("an empty header", vec![vec![]], "has to be the word Bearer"),
        ("no scheme", vec![with("", "")], "has to be the word Bearer"),
        ("no token", vec![b"Bearer".to_vec()], "has to be the word Bearer"),
        ("spaces for a token", vec![b"Bearer    ".to_vec()], "has to be the word Bearer"),
        ("another scheme", vec![with("Basic ", "")], "has to be the word Bearer"),
        ("a longer scheme", vec![with("Bearers ", "")], "has to be the word Bearer"),
        ("a tab", vec![with("Bearer\t", "")], "has to be the word Bearer"),
        ("a colon", vec![with("Bearer: ", "")], "has to be the word Bearer"),
        ("bytes that are no text", vec![b"Bearer \xff\xfe".to_vec()], "has to be the word Bearer"),
        ("two tokens", vec![with("Bearer ", &format!(" {token}"))], "The token"),
        ("two tokens with a comma", vec![with("Bearer ", &format!(", {good}"))], "The token"),
        ("a token in quotes", vec![with("Bearer \"", "\"")], "The token"),
        ("not a token", vec![b"Bearer undefined".to_vec()], "The token"),
    ];
    for (name, values, sentence) in cases {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let error = user(&values).await.expect_err(name);
        let is_right = |text: &str| text.contains(sentence) && text.ends_with('.');
        assert!(matches!(error, Error::Unauthenticated(text) if is_right(text)), "{name}: {error:?}");
    }
}
