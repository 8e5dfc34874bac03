//! rclone with its Swift backend and version 1 authentication against the server, each rule on a server of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use parbuckle_testkit::clients::Output;
use parbuckle_testkit::swift::rclone_swift;
use parbuckle_testkit::{SignedClient, TestServer, pattern};

const MIB: usize = 1 << 20;

async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    (server, admin)
}

/// Runs rclone to success in the scratch folder; words are split at spaces.
async fn run(server: &TestServer, line: &str) -> Output {
    let tool = rclone_swift(server, line.split(' '));
    tool.run().await.success()
}

/// Six files below `src`, one with a name that needs every escape.
fn tree(server: &TestServer) {
    for (name, content) in [
        ("a.txt", "a"),
        ("empty", ""),
        ("odd names/b c+d%&é?#[]'.txt", "odd"),
        ("sub/deep/b.bin", "bytes"),
        ("sub/c.bin", "more"),
        ("z", "last"),
    ] {
        server.scratch_file(&format!("src/{name}"), content);
    }
}

#[tokio::test]
async fn a_copied_tree_is_the_same_and_is_not_copied_again() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "copy src classic:c1/dir").await;
    run(&server, "check src classic:c1/dir").await;
    run(&server, "check --download src classic:c1/dir").await;
    assert_eq!(admin.list_names("c1", "").await.len(), 6);
    let again = run(&server, "copy -v src classic:c1/dir").await;
    assert!(again.stderr.contains("nothing to transfer"), "{again}");
}

#[tokio::test]
async fn check_finds_what_differs() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "copy src classic:c1").await;
    admin.put_object("c1", "a.txt", "b").await;
    let check = rclone_swift(&server, ["check", "src", "classic:c1"]);
    let check = check.run().await.failure();
    assert!(check.stderr.contains("1 differences found"), "{check}");
}

#[tokio::test]
async fn sync_changes_and_deletes() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "sync src classic:c1").await;
    fs::remove_dir_all(server.scratch().join("src/sub")).unwrap();
    server.scratch_file("src/a.txt", "changed");
    run(&server, "sync src classic:c1").await;
    run(&server, "check src classic:c1").await;
    assert_eq!(admin.read_object("c1", "a.txt").await, "changed");
    assert_eq!(admin.list_names("c1", "").await.len(), 4);
}

#[tokio::test]
async fn a_tree_comes_down_with_its_times() {
    let (server, _) = server().await;
    tree(&server);
    let time = UNIX_EPOCH + Duration::from_secs(981_173_106);
    let file = server.scratch().join("src/a.txt");
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_modified(time).unwrap();
    run(&server, "copy src classic:c1").await;
    run(&server, "copy classic:c1 back").await;
    let back = server.scratch().join("back");
    let read = fs::read_to_string(back.join("sub/deep/b.bin")).unwrap();
    assert_eq!(read, "bytes");
    let modified = fs::metadata(back.join("a.txt")).unwrap().modified();
    assert_eq!(modified.unwrap(), time);
}

#[tokio::test]
async fn move_takes_the_source_away() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "move src classic:c1").await;
    assert_eq!(admin.list_names("c1", "").await.len(), 6);
    assert!(!server.scratch().join("src/a.txt").exists());
    // Within the server.
    run(&server, "moveto classic:c1/a.txt classic:c1/moved").await;
    let names = admin.list_names("c1", "").await;
    assert!(names.contains(&"moved".to_owned()), "{names:?}");
    assert!(!names.contains(&"a.txt".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_copy_within_the_server_keeps_content_and_time() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "copy src classic:c1").await;
    run(&server, "copy classic:c1 classic:c2/copied").await;
    run(&server, "check src classic:c2/copied").await;
    let read = admin.read_object("c2", "copied/sub/deep/b.bin").await;
    assert_eq!(read, "bytes");
    let again = run(&server, "copy -v src classic:c2/copied").await;
    assert!(again.stderr.contains("nothing to transfer"), "{again}");
}

#[tokio::test]
async fn purge_takes_a_folder_or_the_container() {
    let (server, admin) = server().await;
    tree(&server);
    run(&server, "copy src classic:c1").await;
    run(&server, "purge classic:c1/sub").await;
    assert_eq!(admin.list_names("c1", "").await.len(), 4);
    run(&server, "purge classic:c1").await;
    admin.head(admin.bucket_path("c1")).await.expect(404);
}

#[tokio::test]
async fn a_large_file_goes_up_in_segments_and_comes_back() {
    let (server, admin) = server().await;
    let content = pattern(1, 17 * MIB + 5);
    server.scratch_file("src/large", &content);
    run(&server, "copy src classic:c1").await;
    let segments = admin.list_names("c1_segments", "").await;
    assert_eq!(segments.len(), 4, "{segments:?}");
    run(&server, "copy classic:c1 back").await;
    let back = fs::read(server.scratch().join("back/large")).unwrap();
    assert!(back == content, "other bytes came back");
    let listed = run(&server, "lsl classic:c1").await;
    assert!(listed.stdout.contains("17825797"), "{listed}");
    // The segments go with the object.
    run(&server, "delete classic:c1").await;
    let segments = admin.list_names("c1_segments", "").await;
    assert!(segments.is_empty(), "{segments:?}");
}

#[tokio::test]
async fn a_part_of_an_object_is_read() {
    let (server, admin) = server().await;
    admin.create_bucket("c1").await;
    admin.put_object("c1", "o", "0123456789").await;
    let piece = run(&server, "cat --offset 3 --count 4 classic:c1/o").await;
    assert_eq!(piece.stdout, "3456");
}

#[tokio::test]
async fn every_page_of_a_long_list_is_read() {
    let (server, admin) = server().await;
    admin.create_bucket("c1").await;
    for index in 0..1_005 {
        admin.put_object("c1", &format!("{index:04}"), "x").await;
    }
    admin.put_object("c1", "dir/deep", "x").await;
    let listed = run(&server, "lsf -R --files-only classic:c1").await;
    assert_eq!(listed.stdout.lines().count(), 1_006);
    let top = run(&server, "lsf classic:c1").await;
    assert!(top.stdout.lines().any(|line| line == "dir/"), "{top}");
}

#[tokio::test]
async fn touch_changes_the_time_that_is_kept_with_an_object() {
    let (server, admin) = server().await;
    admin.create_bucket("c1").await;
    admin.put_object("c1", "o", "x").await;
    run(&server, "touch -t 2001-02-03T04:05:06 classic:c1/o").await;
    let listed = run(&server, "lsl classic:c1").await;
    assert!(listed.stdout.contains("2001-02-03 04:05:06"), "{listed}");
}

#[tokio::test]
async fn the_account_tells_what_it_holds() {
    let (server, _) = server().await;
    tree(&server);
    run(&server, "copy src classic:c1").await;
    let about = run(&server, "about --json classic:").await.json();
    assert_eq!(about["objects"], 6, "{about}");
    assert_eq!(about["used"], 17, "{about}");
}
