//! Where settings come from: a flag beats the environment, the environment beats `.env`, that beats the default.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::settings::{GROUPS, Setting};

/// The values that were given, by the variable of their setting. Nothing here is validated yet.
pub struct Sources {
    flags: HashMap<String, String>,
    environment: HashMap<String, String>,
    dotenv: HashMap<String, String>,
}

impl Sources {
    /// Given values; each is a pair of a setting's variable and its value.
    pub fn new<'a>(
        flags: impl IntoIterator<Item = (&'a str, &'a str)>,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
        dotenv: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self { flags: collect(flags), environment: collect(environment), dotenv: collect(dotenv) }
    }

    /// The values of this process: the flags of the command, the environment, and `.env` in the working directory.
    ///
    /// # Errors
    /// A sentence when there is a `.env` that cannot be read.
    pub fn load(flags: &ArgMatches) -> Result<Self, String> {
        Ok(Self { flags: given_flags(flags), environment: environment(), dotenv: read_dotenv(Path::new(".env"))? })
    }

    /// The value of a setting, or its default. An empty value counts as none.
    #[must_use]
    pub fn value(&self, setting: &Setting) -> Option<&str> {
        self.given(setting).map(|(value, _)| value).or(setting.default)
    }

    /// Where the value comes from, for a person.
    #[must_use]
    pub fn origin(&self, setting: &Setting) -> &'static str {
        self.given(setting).map_or("default", |(_, origin)| origin)
    }

    /// The value of a setting that is on or off, or `None` where nothing says which.
    ///
    /// # Errors
    /// A sentence when it is neither.
    pub fn switch(&self, setting: &Setting) -> Result<Option<bool>, String> {
        match self.value(setting).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("on" | "true" | "1") => Ok(Some(true)),
            Some("off" | "false" | "0") => Ok(Some(false)),
            Some(_) => Err(self.refuse(setting, "write on or off")),
        }
    }

    /// The sentence for a wrong value: which setting, as it was given, and what to do. It never holds the value.
    #[must_use]
    pub fn refuse(&self, setting: &Setting, what_to_do: impl fmt::Display) -> String {
        match self.origin(setting) {
            "flag" => format!("--{}: {what_to_do}.", setting.flag),
            ".env" => format!("{} in .env: {what_to_do}.", setting.variable),
            _ => format!("{}: {what_to_do}.", setting.variable),
        }
    }

    fn given(&self, setting: &Setting) -> Option<(&str, &'static str)> {
        [(&self.flags, "flag"), (&self.environment, "environment"), (&self.dotenv, ".env")]
            .into_iter()
            .filter_map(|(values, origin)| Some((values.get(setting.variable)?.as_str(), origin)))
            .find(|(value, _)| !value.is_empty())
    }
}

/// Values may be secret, and so stay out of logs.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources(..)")
    }
}

fn collect<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> HashMap<String, String> {
    values.into_iter().map(|(variable, value)| (variable.to_owned(), value.to_owned())).collect()
}

fn all_settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.into_iter().flat_map(|group| group.settings.iter().copied())
}

/// What the command line itself says; clap's matches hold the environment and the defaults too.
fn given_flags(matches: &ArgMatches) -> HashMap<String, String> {
    let given = |flag: &str| {
        // A command without this flag does not know its name.
        let value = matches.try_get_one::<String>(flag).ok().flatten()?;
        (matches.value_source(flag) == Some(ValueSource::CommandLine)).then(|| value.clone())
    };
    all_settings().filter_map(|setting| Some((setting.variable.to_owned(), given(setting.flag)?))).collect()
}

fn environment() -> HashMap<String, String> {
    all_settings()
        .filter_map(|setting| {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads settings")]
            let value = std::env::var(setting.variable).ok()?;
            Some((setting.variable.to_owned(), value))
        })
        .collect()
}

/// Only of the working directory: a file that is found somewhere above it is a surprise in a server.
fn read_dotenv(path: &Path) -> Result<HashMap<String, String>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => {
            return Err(format!("{} cannot be read: {error}; make it readable or remove it.", path.display()));
        }
    };
    parse_dotenv(&text)
}

fn parse_dotenv(text: &str) -> Result<HashMap<String, String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut values = HashMap::new();
    for pair in dotenvy::from_read_iter(text.as_bytes()) {
        // The error repeats the line, which may hold a secret.
        let (variable, value) = pair.map_err(|_| {
            "A line of .env is not NAME=value; put a value with spaces, quotes, $ or # in single quotes.".to_owned()
        })?;
        // The first one counts, as it does where dotenvy fills the environment itself.
        values.entry(variable).or_insert(value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{JWT_ISSUER, LISTEN, TASKGATE_DOCS, TASKGATE_EXPLORE};

    #[test]
    fn a_flag_beats_the_environment_beats_dotenv_beats_the_default() {
        let set = |value| [("LISTEN", value)];
        for (sources, value, origin) in [
            (Sources::new(set("flag"), set("env"), set("file")), "flag", "flag"),
            (Sources::new([], set("env"), set("file")), "env", "environment"),
            (Sources::new([], [], set("file")), "file", ".env"),
            (Sources::new([], [], []), "127.0.0.1:8000", "default"),
            (Sources::new(set(""), set(""), set("file")), "file", ".env"),
            (Sources::new(set(""), set(""), set("")), "127.0.0.1:8000", "default"),
        ] {
            assert_eq!(sources.value(&LISTEN), Some(value));
            assert_eq!(sources.origin(&LISTEN), origin);
        }
        assert_eq!(Sources::new([], [], []).value(&JWT_ISSUER), None);
    }

    #[test]
    fn switches_have_three_spellings() {
        let switch = |value| Sources::new([], [("TASKGATE_EXPLORE", value)], []).switch(&TASKGATE_EXPLORE);
        for (on, off) in [("on", "off"), ("true", "false"), ("1", "0"), ("TRUE", "Off")] {
            assert_eq!((switch(on), switch(off)), (Ok(Some(true)), Ok(Some(false))));
        }
        assert_eq!(switch(""), Ok(None));
        assert_eq!(switch("yes").unwrap_err(), "TASKGATE_EXPLORE: write on or off.");
    }

    #[test]
    fn a_wrong_value_is_named_as_it_was_given() {
        let set = [("TASKGATE_DOCS", "maybe")];
        for (sources, name) in [
            (Sources::new(set, [], []), "--docs: "),
            (Sources::new([], set, []), "TASKGATE_DOCS: "),
            (Sources::new([], [], set), "TASKGATE_DOCS in .env: "),
        ] {
            let sentence = sources.switch(&TASKGATE_DOCS).unwrap_err();
            assert!(sentence.starts_with(name) && !sentence.contains("maybe"), "{sentence}");
        }
    }

    #[test]
    fn dotenv_files_are_read_as_usual() {
        let values = parse_dotenv("\u{feff}# ours\nexport A=1\nB='x y $z # \"'\n\nC=\nA=2\n").unwrap();
        assert_eq!(values, collect([("A", "1"), ("B", "x y $z # \""), ("C", "")]));
        assert_eq!(read_dotenv(Path::new("/no/such/.env")), Ok(HashMap::new()));
        assert!(read_dotenv(Path::new("/")).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn a_broken_dotenv_file_is_refused_and_not_repeated() {
        let secret = uuid::Uuid::new_v4().to_string();
        for text in [format!("BETTER_AUTH_SECRET {secret}\n"), format!("A='{secret}\n"), format!("A={secret} b\n")] {
            let sentence = parse_dotenv(&text).unwrap_err();
            assert!(sentence.contains("NAME=value") && !sentence.contains(&secret), "{sentence}");
        }
    }
}
