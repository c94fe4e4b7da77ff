//! Whose token it is.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::App;

/// The keys that tokens may be signed with, and what else is asked of them.
pub struct Keys {
    secret: (DecodingKey, Validation),
    public: Option<(DecodingKey, Validation)>,
}

impl Keys {
    /// # Errors
    /// The public key is not base64url.
    pub fn new(secret: &str, ed25519: Option<&str>) -> jsonwebtoken::errors::Result<Self> {
        let public = ed25519.map(DecodingKey::from_ed_components).transpose()?;
        Ok(Self {
            secret: (DecodingKey::from_secret(secret.as_bytes()), Validation::new(Algorithm::HS256)),
            public: public.map(|key| (key, Validation::new(Algorithm::EdDSA))),
        })
    }

    fn subject(&self, token: &str) -> Option<String> {
        let (key, rules) = match decode_header(token).ok()?.alg {
            Algorithm::EdDSA => self.public.as_ref()?,
            _ => &self.secret,
        };
        decode::<Claims>(token, key, rules).ok().map(|token| token.claims.sub)
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// The user whom the token of a request names.
pub struct User(pub String);

impl FromRequestParts<Arc<App>> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, StatusCode> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| app.keys.subject(token)).map(User).ok_or(StatusCode::UNAUTHORIZED)
    }
}
