use super::*;
use crate::config::settings;

fn parse<const N: usize>(args: [&str; N]) -> Result<ArgMatches, clap::Error> {
    parse_all(&args)
}

fn parse_all(args: &[&str]) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from([&["taskgate"], args].concat())
}

/// The program and its commands, without the `help` that clap adds.
pub(super) fn every_command() -> Vec<clap::Command> {
    let mut program = command().disable_help_subcommand(true);
    program.build();
    let mut commands = vec![program];
    let mut at = 0;
    while at < commands.len() {
        let inner: Vec<clap::Command> = commands[at].get_subcommands().cloned().collect();
        commands.extend(inner);
        at += 1;
    }
    commands
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn each_command_takes_the_settings_that_it_reads() {
    for args in [
        ["serve", "--listen", "127.0.0.1:1"],
        ["dev", "--explore", "off"],
        ["check", "--jwks-url", "https://a.example"],
        ["backup", "--database-url", "sqlite://a.db"],
        ["health", "--listen", "[::1]:8000"],
        ["import", "--from", "postgresql+asyncpg://u@h/d"],
        ["export", "--format", "csv"],
        ["erase", "--sub", "ann"],
    ] {
        let file = (args[0] == "backup").then_some("copy.db");
        let args = [&["taskgate"], args.as_slice(), file.as_slice()].concat();
        assert!(command().try_get_matches_from(&args).is_ok(), "{args:?}");
    }
    assert!(parse(["token", "--sub", "alice", "--jwt-issuer", "me", "--ttl", "2h"]).is_ok());
    let import =
        ["--from", "a", "--table", "t", "--column", "id=x", "--column", "title=y", "--id-map", "m", "--refused", "r"];
    assert!(
        parse_all(&[&["import", "--format", "jsonl", "--database-url", "sqlite://a.db"], &import[..]].concat()).is_ok()
    );
    assert!(parse(["import", "--from", "a", "--dry-run", "--refused", "r"]).is_ok());
    assert!(parse(["import", "--from", "a", "--dry-run", "--id-map", "m"]).is_err());
    assert!(parse(["export", "--sub", "ann", "-o", "f", "--database-direct-url", "postgres://u@h/d"]).is_ok());
    assert!(parse(["erase", "--sub", "ann", "--yes"]).is_ok());
    assert!(parse(["schema", "--database-url", "sqlite://a.db"]).is_err());
    assert!(parse(["migrate", "run", "--listen", "127.0.0.1:1"]).is_err());
}

#[test]
fn flags_are_read_on_either_side_of_a_nested_command() {
    for args in [
        ["migrate", "run", "--database-url", "sqlite://flag.db"],
        ["migrate", "--database-url", "sqlite://flag.db", "run"],
    ] {
        let matches = parse(args).unwrap();
        let sources = Sources::load(innermost(&matches)).unwrap();
        assert_eq!(sources.value(&settings::DATABASE_URL), Some("sqlite://flag.db"), "{args:?}");
        assert_eq!(sources.origin(&settings::DATABASE_URL), "flag");
    }
}

#[test]
fn a_default_of_the_help_is_not_taken_for_a_flag() {
    let matches = parse(["serve"]).unwrap();
    let sources = Sources::load(innermost(&matches)).unwrap();
    assert_ne!(sources.origin(&settings::DATABASE_POOL_SIZE), "flag");
}

#[test]
fn the_help_names_the_variable_and_the_default_of_every_setting() {
    let mut command = command();
    let serve = command.find_subcommand_mut("serve").unwrap();
    let help = serve.render_long_help().to_string();
    for setting in settings::GROUPS.into_iter().flat_map(|group| group.settings) {
        assert!(help.contains(&format!("--{} <", setting.flag)), "{}", setting.flag);
        assert!(help.contains(&format!("[env: {}]", setting.variable)), "{}", setting.variable);
        let default = setting.default.map(|default| format!("[default: {default}]")).unwrap_or_default();
        assert!(help.contains(&default), "{default}");
    }
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for args in [
        ["serve", "--no-such-flag"],
        ["migrate", "sideways"],
        ["token", "--ttl=1h"],
        ["nonsense", ""],
        ["import", "--dry-run"],
        ["import", "--format=xml"],
        ["export", "--format=xml"],
        ["erase", "--yes"],
    ] {
        assert_eq!(parse(args).unwrap_err().exit_code(), 2, "{args:?}");
    }
    assert_eq!(parse([]).unwrap_err().exit_code(), 2);
    for args in [["--help"], ["--version"]] {
        assert_eq!(parse(args).unwrap_err().exit_code(), 0, "{args:?}");
    }
    assert_eq!(Failure::Usage(String::new()).status(), 2);
    assert_eq!(Failure::Fault(String::new()).status(), 1);
}
