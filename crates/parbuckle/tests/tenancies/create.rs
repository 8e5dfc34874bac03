//! What the command makes, refuses and repairs.

use std::fs;
use std::path::Path;

use parbuckle_testkit::clients::shell;
use parbuckle_testkit::{ParSpec, TestServer};

use crate::PARBUCKLE;
use crate::tenant::{Tenant, admin_folder, bootstrap, command, create, mode_of, tenancy};

/// A tenancy that was made on `server`'s folder can do what the first one can.
async fn assert_works(server: &TestServer, name: &str) {
    let tenant = Tenant::read(server, name);
    assert_eq!(tenant.asked_namespace().await, tenant.namespace.as_str());
    tenant.create_bucket("b").await;
    tenant.put_object("b", "o", "hello").await;
    let par = tenant.create_par("b", ParSpec::object_read("o")).await;
    let read = server.anonymous().get(&par.access_uri).await.expect(200);
    assert_eq!(read.text(), "hello");
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_tenancy_added_to_a_running_server_works_at_once() {
    let server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    assert_works(&server, "acme").await;
}

#[tokio::test]
async fn a_tenancy_added_to_a_stopped_server_works_after_its_start() {
    let mut server = TestServer::start(PARBUCKLE).await;
    assert!(server.terminate().await.success());
    create(server.data_dir(), "acme");
    server.restart().await;
    assert_works(&server, "acme").await;
}

#[tokio::test]
async fn a_tenancy_survives_a_kill_of_the_server() {
    let mut server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    server.kill9();
    server.restart().await;
    assert_works(&server, "acme").await;
}

#[tokio::test]
async fn a_tenancy_can_be_added_before_the_first_start_which_then_has_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    create(&data, "acme");
    let server = TestServer::builder(PARBUCKLE).data_dir(&data).start().await;
    assert_works(&server, "acme").await;
    server.admin().create_bucket("b").await;
}

#[tokio::test]
async fn the_cli_works_with_the_new_configuration() {
    let server = TestServer::start(PARBUCKLE).await;
    let made = create(server.data_dir(), "acme");
    let asked = shell(&server, "oci os ns get --query data --raw-output")
        .env("OCI_CLI_CONFIG_FILE", &made["config"])
        .run()
        .await
        .success();
    assert_eq!(asked.stdout.trim(), made["namespace"]);
}

#[tokio::test]
async fn the_command_says_what_it_made_in_the_same_words_with_and_without_a_server() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let running = create(server.data_dir(), "running");
    let endpoint = server.endpoint().to_owned();
    assert!(server.terminate().await.success());
    let stopped = create(server.data_dir(), "stopped");
    for (name, made) in [("running", running), ("stopped", stopped)] {
        let data = server.data_dir().canonicalize().unwrap();
        let written = bootstrap(&data, name);
        let labels: Vec<_> = made.keys().map(String::as_str).collect();
        assert_eq!(
            labels,
            ["config", "endpoint", "namespace", "ocid", "tenancy"]
        );
        assert_eq!(made["tenancy"], name);
        assert_eq!(written["namespace"], made["namespace"].as_str());
        assert_eq!(written["tenancy_ocid"], made["ocid"].as_str());
        assert_eq!(written["endpoint"], endpoint.as_str(), "{name}");
        assert_eq!(made["endpoint"], endpoint, "{name}");
        let config = admin_folder(&data, name).join("config");
        assert_eq!(Path::new(&made["config"]), config);
    }
}

#[tokio::test]
async fn the_region_is_that_of_the_server_with_and_without_it() {
    let mut server = TestServer::builder(PARBUCKLE)
        .arg("--region=us-phoenix-1")
        .start()
        .await;
    create(server.data_dir(), "running");
    assert!(server.terminate().await.success());
    create(server.data_dir(), "stopped");
    for name in ["running", "stopped"] {
        let written = bootstrap(server.data_dir(), name);
        assert_eq!(written["region"], "us-phoenix-1", "{name}");
    }
}

#[tokio::test]
async fn the_files_belong_to_their_owner_alone() {
    let server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    let folder = admin_folder(server.data_dir(), "acme");
    assert_eq!(mode_of(&folder), 0o700);
    let names = names_in(&folder);
    assert_eq!(names, ["bootstrap.json", "config", "oci_api_key.pem"]);
    for name in names {
        assert_eq!(mode_of(&folder.join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_start_renews_the_endpoint_of_every_tenancy() {
    let mut server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    create(server.data_dir(), "zenith");
    server.restart().await;
    for name in ["", "acme", "zenith"] {
        let written = bootstrap(server.data_dir(), name);
        assert_eq!(written["endpoint"], server.endpoint(), "{name}");
        let auth_url = format!("{}/auth/v1.0", server.endpoint());
        assert_eq!(written["swift_auth_url"], auth_url.as_str(), "{name}");
    }
}

#[tokio::test]
async fn a_start_does_without_files_that_their_owner_took_away() {
    let mut server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    fs::remove_dir_all(admin_folder(server.data_dir(), "acme")).unwrap();
    server.restart().await;
    assert!(!admin_folder(server.data_dir(), "acme").exists());
}

#[tokio::test]
async fn a_file_that_its_owner_has_spoilt_is_reported_and_stops_nobody() {
    let mut server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    create(server.data_dir(), "zenith");
    let spoilt = admin_folder(server.data_dir(), "acme").join("bootstrap.json");
    fs::write(&spoilt, "{").unwrap();
    server.restart().await;
    let spoilt = spoilt.to_str().unwrap();
    assert!(server.output().contains(spoilt), "{}", server.output());
    assert_works(&server, "zenith").await;
    let renewed = bootstrap(server.data_dir(), "zenith");
    assert_eq!(renewed["endpoint"], server.endpoint());
}

#[tokio::test]
async fn a_name_that_exists_is_refused_and_its_files_stay() {
    let mut server = TestServer::start(PARBUCKLE).await;
    create(server.data_dir(), "acme");
    let before = bootstrap(server.data_dir(), "acme");
    for running in [true, false] {
        if !running {
            assert!(server.terminate().await.success());
        }
        for name in ["acme", "Acme", "parbuckle"] {
            let ran = tenancy(server.data_dir(), &["create", name]);
            let there = name.to_lowercase();
            assert_eq!(ran.code, Some(1), "{ran:?}");
            assert_eq!(ran.stdout, "");
            assert_eq!(
                ran.stderr,
                format!("parbuckle: a tenancy named {there} already exists\n")
            );
        }
        assert_eq!(bootstrap(server.data_dir(), "acme"), before);
    }
}

#[test]
fn a_name_that_could_be_another_path_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(65);
    for name in [
        "", "..", "../../x", "a/b", "/x", "a.b", "a b", "config", &long,
    ] {
        let ran = tenancy(&folder.path().join("data"), &["create", name]);
        assert_eq!(ran.code, Some(2), "{name:?}: {ran:?}");
        assert!(ran.stderr.contains("name"), "{ran:?}");
        assert_eq!(names_in(folder.path()), [""; 0], "{name:?}");
    }
}

#[tokio::test]
async fn the_folder_of_a_tenancy_that_never_came_to_be_is_overwritten() {
    let server = TestServer::start(PARBUCKLE).await;
    let admin = server.data_dir().join("admin");
    let folder = admin.join("acme");
    fs::create_dir(&folder).unwrap();
    for name in ["config", "oci_api_key.pem", "bootstrap.json"] {
        fs::copy(admin.join(name), folder.join(name)).unwrap();
    }
    let made = create(server.data_dir(), "acme");
    assert_ne!(made["namespace"], server.bootstrap().namespace());
    assert_works(&server, "acme").await;
}

#[tokio::test]
async fn of_many_commands_with_one_name_one_makes_the_tenancy() {
    let mut server = TestServer::start(PARBUCKLE).await;
    for name in ["running", "stopped"] {
        if name == "stopped" {
            assert!(server.terminate().await.success());
        }
        let commands: Vec<_> = (0..5)
            .map(|_| {
                command(server.data_dir(), &["create", name])
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut codes: Vec<_> = commands
            .into_iter()
            .map(|child| child.wait_with_output().unwrap().status.code().unwrap())
            .collect();
        codes.sort();
        assert_eq!(codes, [0, 1, 1, 1, 1], "{name}");
    }
    server.restart().await;
    assert_works(&server, "running").await;
    assert_works(&server, "stopped").await;
}

#[tokio::test]
async fn the_list_names_every_tenancy_with_and_without_a_server() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let acme = create(server.data_dir(), "acme");
    let first = server.bootstrap().clone();
    let expected = format!(
        "acme\t{}\t{}\nparbuckle\t{}\t{}\n",
        acme["namespace"],
        acme["ocid"],
        first.namespace(),
        first.tenancy_ocid()
    );
    assert_eq!(tenancy(server.data_dir(), &["list"]).stdout, expected);
    assert!(server.terminate().await.success());
    assert_eq!(tenancy(server.data_dir(), &["list"]).stdout, expected);
}

#[test]
fn a_list_makes_no_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ran = tenancy(&data, &["list"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(data.to_str().unwrap()), "{ran:?}");
    assert!(!data.exists());
}

#[tokio::test]
async fn no_second_store_is_made_beside_one_that_lies_elsewhere() {
    let kv = tempfile::tempdir().unwrap();
    let kv = format!("embedded:{}", kv.path().join("kv").display());
    let mut server = TestServer::builder(PARBUCKLE)
        .arg("--kv")
        .arg(&kv)
        .start()
        .await;
    assert!(server.terminate().await.success());
    let ran = tenancy(server.data_dir(), &["create", "acme"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("--kv"), "{ran:?}");
    assert!(!server.data_dir().join("kv").exists());
    let ran = tenancy(server.data_dir(), &["create", "acme", "--kv", &kv]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    server.restart().await;
    assert_works(&server, "acme").await;
}
