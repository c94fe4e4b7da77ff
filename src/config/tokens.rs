//! Whose tokens are accepted.

use secrecy::SecretString;
use url::Url;

use super::settings::{
    BETTER_AUTH_SECRET, BETTER_AUTH_SECRET_PREVIOUS, JWKS_URL, JWT_AUDIENCE, JWT_ISSUER, JWT_SUBJECT_CLAIM, Setting,
};
use super::sources::Sources;
use crate::auth::{TokenRules, check_jwks_url};

/// Reads and checks the settings of the group [`TOKENS`](super::settings::TOKENS).
///
/// # Errors
/// A sentence that names the first wrong setting and says what to write.
pub fn token_rules(sources: &Sources) -> Result<TokenRules, String> {
    let mut secrets = Vec::new();
    for setting in [&BETTER_AUTH_SECRET, &BETTER_AUTH_SECRET_PREVIOUS] {
        secrets.extend(secret(sources, setting)?);
    }
    Ok(TokenRules {
        secrets,
        jwks_url: jwks_url(sources)?,
        issuer: sources.value(&JWT_ISSUER).map(str::to_owned),
        audience: sources.value(&JWT_AUDIENCE).map(str::to_owned),
        subject_claim: subject_claim(sources)?,
    })
}

fn secret(sources: &Sources, setting: &Setting) -> Result<Option<SecretString>, String> {
    let Some(text) = sources.value(setting) else { return Ok(None) };
    if text.len() < TokenRules::MIN_SECRET_BYTES {
        let advice = "a secret has at least 32 bytes; make one with `openssl rand -base64 32`";
        return Err(sources.refuse(setting, advice));
    }
    Ok(Some(text.into()))
}

fn jwks_url(sources: &Sources) -> Result<Option<Url>, String> {
    let Some(text) = sources.value(&JWKS_URL) else { return Ok(None) };
    let url = Url::parse(text).map_err(|_| "write an https:// URL, such as https://app.example/api/auth/jwks");
    match url.and_then(|url| check_jwks_url(&url).map(|()| url)) {
        Ok(url) => Ok(Some(url)),
        Err(advice) => Err(sources.refuse(&JWKS_URL, advice)),
    }
}

fn subject_claim(sources: &Sources) -> Result<String, String> {
    let path = sources.value(&JWT_SUBJECT_CLAIM).unwrap_or_default();
    if path.split('.').any(str::is_empty) {
        return Err(sources.refuse(&JWT_SUBJECT_CLAIM, "write names with a dot between them, such as sub or user.id"));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<TokenRules, String> {
        token_rules(&Sources::new([], variables, []))
    }

    #[test]
    fn a_secret_has_at_least_32_bytes_and_is_never_shown() {
        // 31 bytes, and 32 bytes in eight characters.
        let (short, emoji) = ("x".repeat(31), "😀".repeat(8));
        for variable in ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS"] {
            let sentence = resolve([(variable, &short)]).unwrap_err();
            assert!(sentence.starts_with(variable) && sentence.contains("32 bytes"), "{sentence}");
            assert!(!sentence.contains("xx"), "{sentence}");
            assert_eq!(resolve([(variable, &emoji)]).unwrap().secrets[0].expose_secret(), emoji);
        }
    }

    #[test]
    fn the_current_secret_comes_first() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let tokens = resolve([("BETTER_AUTH_SECRET_PREVIOUS", &old), ("BETTER_AUTH_SECRET", &new)]).unwrap();
        let secrets: Vec<&str> = tokens.secrets.iter().map(SecretString::expose_secret).collect();
        assert_eq!(secrets, [new, old]);
    }

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for url in [
            "https://app.example/api/auth/jwks",
            "http://localhost:3000/api/auth/jwks",
            "http://127.0.0.2/jwks",
            "http://[::1]:3000/jwks",
        ] {
            assert_eq!(resolve([("JWKS_URL", url)]).unwrap().jwks_url.unwrap().as_str(), url);
        }
        for url in [
            "http://app.example/jwks",
            "http://localhost.example/jwks",
            "http://10.0.0.1/jwks",
            "file:///etc/hunter2",
            "app.example/hunter2",
            "https://u:hunter2@app.example/jwks",
            "https://",
        ] {
            let sentence = resolve([("JWKS_URL", url)]).unwrap_err();
            assert!(sentence.starts_with("JWKS_URL: ") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn the_subject_is_a_dotted_path() {
        assert_eq!(resolve([("JWT_SUBJECT_CLAIM", "user.id")]).unwrap().subject_claim, "user.id");
        for path in [".", "user.", ".id", "user..id"] {
            assert!(resolve([("JWT_SUBJECT_CLAIM", path)]).unwrap_err().contains("user.id"), "{path}");
        }
    }
}
