//! Tests of the configuration: sources, precedence, refusals. That variables stand between flags and file is tested
//! on the real process (`tests/serve.rs`), which has an environment of its own.

use clap::{CommandFactory, Parser};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
}

fn resolve(args: &[&str]) -> Result<Config, ConfigError> {
    let args = std::iter::once("serve").chain(args.iter().copied());
    Config::resolve(Cli::try_parse_from(args).unwrap().serve)
}

fn refusal(args: &[&str]) -> String {
    resolve(args).unwrap_err().to_string()
}

fn with_file(toml: &str, args: &[&str]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parbuckle.toml");
    std::fs::write(&path, toml).unwrap();
    let mut all = vec!["--config", path.to_str().unwrap()];
    all.extend_from_slice(args);
    resolve(&all)
}

#[test]
fn with_no_argument_it_listens_on_loopback_only() {
    let config = resolve(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:9085");
    assert_eq!(config.data_dir, Path::new("./parbuckle-data"));
    assert_eq!(config.region, "local-1");
    assert!(!config.dev && config.access_log && config.tls.is_none());
}

#[test]
fn a_flag_wins_over_the_file() {
    let config = with_file(
        "region = \"file-1\"\ndev = true",
        &["--region", "flag-1", "--dev=false"],
    )
    .unwrap();
    assert_eq!(config.region, "flag-1");
    assert!(!config.dev);
}

#[test]
fn the_file_wins_over_the_default() {
    let config = with_file(
        "max-connections = 7\ndata-dir = \"/srv/p\"\nlisten = \"127.0.0.1:0\"",
        &[],
    )
    .unwrap();
    assert_eq!(config.limits.max_connections, 7);
    assert_eq!(config.data_dir, Path::new("/srv/p"));
    assert_eq!(config.listen.port(), 0);
}

#[test]
fn every_flag_is_a_key_of_the_file() {
    for argument in Cli::command().get_arguments() {
        let name = argument.get_long().unwrap();
        if matches!(name, "config" | "help") {
            continue;
        }
        // Values of a wrong type tell apart a key that is known from one that is not.
        let refused = with_file(&format!("{name} = [[]]"), &[])
            .unwrap_err()
            .to_string();
        assert!(refused.contains("invalid type"), "{name}: {refused}");
    }
}

#[test]
fn every_flag_has_its_variable() {
    for argument in Cli::command()
        .get_arguments()
        .filter(|argument| argument.get_id() != "help")
    {
        let expected = format!(
            "PARBUCKLE_{}",
            argument
                .get_long()
                .unwrap()
                .replace('-', "_")
                .to_uppercase()
        );
        assert_eq!(
            argument.get_env().unwrap().to_str(),
            Some(expected.as_str())
        );
    }
}

#[test]
fn the_help_names_the_defaults_that_the_code_has() {
    let help = Cli::command().render_long_help().to_string();
    for default in [
        defaults::DATA_DIR.to_owned(),
        format!("127.0.0.1:{}", defaults::PORT),
        defaults::REGION.to_owned(),
        defaults::ARCHIVE_RESTORE_DELAY_SECS.to_string(),
        defaults::SWIFT_TOKEN_LIFETIME_SECS.to_string(),
        defaults::LOG_LEVEL.to_owned(),
        defaults::MAX_CONNECTIONS.to_string(),
        defaults::MAX_HEADERS.to_string(),
        defaults::MAX_HEADER_BYTES.to_string(),
        defaults::MAX_STREAMS.to_string(),
        defaults::HEADER_TIMEOUT_SECS.to_string(),
        defaults::IDLE_TIMEOUT_SECS.to_string(),
        defaults::BODY_TIMEOUT_SECS.to_string(),
        defaults::WRITE_TIMEOUT_SECS.to_string(),
        defaults::DRAIN_TIMEOUT_SECS.to_string(),
    ] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}");
    }
}

#[test]
fn a_restoration_takes_at_most_a_day() {
    let delay = |seconds| resolve(&["--archive-restore-delay", seconds]);
    let day = Duration::from_secs(86_400);
    assert_eq!(delay("86400").unwrap().archive_restore_delay, day);
    let refused = delay("86401").unwrap_err().to_string();
    assert_eq!(refused, "archive-restore-delay must be at most 86400");
}

#[test]
fn a_swift_token_lives_half_an_hour_unless_told_otherwise_and_at_least_a_minute() {
    let lifetime = |args: &[&str]| resolve(args).map(|config| config.swift_token_lifetime);
    assert_eq!(lifetime(&[]).unwrap(), Duration::from_secs(1800));
    let told = lifetime(&["--swift-token-lifetime", "60"]).unwrap();
    assert_eq!(told, Duration::from_secs(60));
    let refused = lifetime(&["--swift-token-lifetime", "59"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "swift-token-lifetime must be at least 60"
    );
}

#[test]
fn an_unknown_key_of_the_file_is_refused_by_name_and_line() {
    let refused = with_file("region = \"a-1\"\nlisen = \"127.0.0.1:1\"", &[])
        .unwrap_err()
        .to_string();
    assert!(refused.contains("line 2"), "{refused}");
    assert!(refused.contains("unknown field `lisen`"), "{refused}");
    assert!(refused.contains("`listen`"), "{refused}");
}

#[test]
fn a_missing_file_is_refused_by_name() {
    assert!(refusal(&["--config", "/nowhere/parbuckle.toml"]).contains("/nowhere/parbuckle.toml"));
}

#[test]
fn an_address_that_others_reach_needs_tls_or_a_flag() {
    let refused = refusal(&["--listen", "0.0.0.0:80"]);
    assert!(
        refused.contains("--allow-insecure-listen") && refused.contains("0.0.0.0:80"),
        "{refused}"
    );
    assert!(resolve(&["--listen", "0.0.0.0:80", "--allow-insecure-listen"]).is_ok());
    assert!(
        resolve(&[
            "--listen",
            "0.0.0.0:443",
            "--tls-cert",
            "c",
            "--tls-key",
            "k"
        ])
        .is_ok()
    );
}

#[test]
fn every_loopback_address_is_reachable_from_here_only() {
    for listen in ["127.0.0.2:1", "[::1]:1"] {
        assert!(resolve(&["--listen", listen]).is_ok(), "{listen}");
    }
}

#[test]
fn dev_goes_with_loopback_only() {
    assert!(resolve(&["--dev"]).unwrap().dev);
    let refused = refusal(&["--dev", "--listen", "0.0.0.0:80", "--allow-insecure-listen"]);
    assert!(refused.contains("--dev"), "{refused}");
}

#[test]
fn a_switch_takes_a_value_in_either_form_or_none() {
    for args in [
        &["--access-log", "false", "--dev"][..],
        &["--access-log=off", "--dev=1"],
    ] {
        let config = resolve(args).unwrap();
        assert!(!config.access_log && config.dev, "{args:?}");
    }
}

#[test]
fn half_of_tls_is_refused() {
    assert!(refusal(&["--tls-cert", "c"]).contains("tls-key is missing"));
    assert!(refusal(&["--tls-key", "k"]).contains("tls-cert is missing"));
}

#[test]
fn the_public_url_loses_its_slash_and_must_have_no_more_than_an_authority() {
    let url = |url| resolve(&["--public-url", url]).map(|config| config.public_url.unwrap());
    assert_eq!(
        url("https://store.example.com/").unwrap(),
        "https://store.example.com"
    );
    assert_eq!(url("http://10.0.0.1:8080").unwrap(), "http://10.0.0.1:8080");
    for bad in [
        "store.example.com",
        "ftp://a",
        "https://a/b",
        "https://a/?q",
        "https://user@a",
        "https://",
        "",
    ] {
        assert!(
            matches!(url(bad), Err(ConfigError::PublicUrl(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn stores_that_are_not_there_are_refused_without_their_passwords() {
    assert_eq!(resolve(&["--kv", "embedded"]).unwrap().kv_path, None);
    assert_eq!(
        resolve(&["--kv", "embedded:/fast/kv"]).unwrap().kv_path,
        Some("/fast/kv".into())
    );
    let refused = refusal(&["--kv", "postgres://me:hunter2@db/p"]);
    assert!(
        refused.contains("postgres") && !refused.contains("hunter2"),
        "{refused}"
    );
    assert!(matches!(
        resolve(&["--kv", "embedded:"]),
        Err(ConfigError::Kv(_))
    ));
    assert!(resolve(&["--blobs", "local"]).is_ok());
    let refused = refusal(&["--blobs", "s3://key:hunter2@bucket"]);
    assert!(
        refused.contains("s3") && !refused.contains("hunter2"),
        "{refused}"
    );
}

#[test]
fn a_region_that_clients_would_refuse_is_refused() {
    for bad in ["", "Upper-1", "a b", "a\nb"] {
        assert!(
            matches!(resolve(&["--region", bad]), Err(ConfigError::Region(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn a_log_level_is_checked() {
    assert!(resolve(&["--log-level", "info,parbuckle_engine=debug"]).is_ok());
    assert!(matches!(
        resolve(&["--log-level", "info,x=loud"]),
        Err(ConfigError::LogLevel(_))
    ));
}

#[test]
fn limits_are_checked_wherever_they_come_from() {
    assert_eq!(
        refusal(&["--header-timeout", "0"]),
        "header-timeout must be at least 1"
    );
    let refused = with_file("max-header-bytes = 1000000", &[])
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "max-header-bytes must be at most 262144");
}
