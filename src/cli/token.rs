//! `taskgate token`: a token to try things with.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use secrecy::SecretString;

use super::dev::secret;
use super::{Failure, print};
use crate::auth::{self, TokenRules};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::config::{DatabaseConfig, Sources, settings, token_rules};
use crate::database_url::DatabaseUrl;
use crate::user::UserId;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The user whom the token names
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// How long the token is valid, such as 30m, 8h or 7d
    #[arg(long, value_name = "TIME", default_value = "1h")]
    ttl: String,
}

pub(super) fn run(args: &Args, sources: &Sources) -> Result<(), Failure> {
    let tokens = token_rules(sources).map_err(Failure::Usage)?;
    let user = user(&args.sub)?;
    let ttl_seconds = ttl_seconds(&args.ttl)?;
    let secret = signing_secret(sources, &tokens)?;
    print(&format!("{}\n", issue(&tokens, &secret, &user, SystemClock.now(), ttl_seconds)?))
}

/// A token as the configuration's own rules want it.
pub(super) fn issue(
    tokens: &TokenRules,
    secret: &SecretString,
    user: &UserId,
    now: Timestamp,
    ttl_seconds: i64,
) -> Result<String, Failure> {
    let (issuer, audience) = (tokens.issuer.as_deref(), tokens.audience.as_deref());
    auth::issue(secret, &tokens.subject_claim, user, issuer, audience, now, ttl_seconds)
        .map_err(|error| Failure::Fault(error.to_string()))
}

/// The user whose name a token is to bear.
pub(super) fn user(name: &str) -> Result<UserId, Failure> {
    let advice = "A user's name has 1 to 255 characters, none of them a control character; write another --sub.";
    UserId::parse(name).ok_or_else(|| Failure::Usage(advice.to_owned()))
}

/// The secret that `serve` accepts, or else the one that `dev` made beside the database of the same configuration.
fn signing_secret(sources: &Sources, tokens: &TokenRules) -> Result<SecretString, Failure> {
    if sources.value(&settings::BETTER_AUTH_SECRET).is_some()
        && let Some(secret) = tokens.secrets.first()
    {
        return Ok(secret.clone());
    }
    let database = DatabaseConfig::resolve(sources).map_err(Failure::Usage)?;
    if let DatabaseUrl::Sqlite(path) = &database.url
        && let Some(secret) = secret::read(path)?
    {
        return Ok(secret);
    }
    let advice = "There is no secret to sign with; set BETTER_AUTH_SECRET, or start `taskgate dev` here once.";
    Err(Failure::Usage(advice.to_owned()))
}

fn ttl_seconds(text: &str) -> Result<i64, Failure> {
    let duration = || -> Result<SignedDuration, jiff::Error> {
        text.parse::<Span>()?.to_duration(SpanRelativeTo::days_are_24_hours())
    };
    let seconds = duration().map_or(0, |duration| duration.as_secs());
    if seconds < 1 {
        return Err(Failure::Usage("--ttl: write a time of a second or more, such as 30m, 8h or 7d.".to_owned()));
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_ttl_is_a_time_as_people_write_it() {
        for (text, seconds) in
            [("1h", 3_600), ("30m", 1_800), ("1h 30m", 5_400), ("7d", 604_800), ("90 seconds", 90), ("PT1H", 3_600)]
        {
            assert_eq!(ttl_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "1", "soon", "0s", "-1h", "1h ago", "500ms", "1 month", "999999999999y"] {
            assert!(matches!(ttl_seconds(text), Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn the_configured_secret_signs_before_the_one_of_dev() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let url = format!("sqlite://{}", database.display());
        let configured = "c".repeat(32);
        let of_dev = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET_PREVIOUS", configured.as_str())];
        let signs = |sources: &Sources| signing_secret(sources, &token_rules(sources).unwrap());

        let sources = Sources::new([], of_dev, []);
        assert!(matches!(signs(&sources), Err(Failure::Usage(_))));
        let made = secret::read_or_make(&database).unwrap();
        assert_eq!(signs(&sources).unwrap().expose_secret(), made.expose_secret());
        let sources = Sources::new([("BETTER_AUTH_SECRET", configured.as_str())], of_dev, []);
        assert_eq!(signs(&sources).unwrap().expose_secret(), configured);
    }

    #[test]
    fn a_name_that_no_token_can_bear_is_wrong_usage() {
        assert!(user("alice").is_ok());
        for name in ["", "a\nb", &"x".repeat(256)] {
            assert!(matches!(user(name), Err(Failure::Usage(_))), "{name}");
        }
    }
}
