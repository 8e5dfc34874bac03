//! The request grammar, rule by rule.

use super::*;

fn get(path: &str) -> Result<Route<'_>, Misfit> {
    parse(&Method::GET, path)
}

fn reason(method: Method, path: &str) -> MisfitReason {
    parse(&method, path).expect_err(path).reason
}

/// The object name that a GET of this path means.
fn object(path: &str) -> String {
    match get(path).expect(path).action {
        Action::GetObject(object) => object.object.as_str().to_owned(),
        other => panic!("{path} is {other:?}"),
    }
}

/// A path of a template, with a value for each name.
fn sample(template: &str) -> String {
    template
        .replace("{namespace}", "ns1")
        .replace("{bucket}", "b1")
        .replace("{object}", "dir/a%20b")
        .replace("{uploadId}", "b5bb4079-9d50-ac59-182e-4d133a962382")
        .replace("{part}", "7")
        .replace("{parId}", "abc")
        .replace("{secret}", "s3cr3t")
        .replace("{name}", "x")
        .replace("{id}", "x")
}

#[test]
fn every_listed_route_is_taken_and_every_other_method_is_refused() {
    for row in ROUTES {
        let path = sample(row.template);
        for verb in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "BREW"] {
            let method = Method::from_bytes(verb.as_bytes()).unwrap();
            let listed = ROUTES
                .iter()
                .find(|r| r.template == row.template && r.method == verb);
            match (parse(&method, &path), listed) {
                (Ok(route), Some(listed)) => {
                    assert_eq!(route.template, row.template, "{verb} {path}");
                    let unsupported = Action::Unsupported(listed.operation);
                    assert_eq!(
                        route.action != unsupported,
                        listed.implemented,
                        "{verb} {path}"
                    );
                }
                (Err(misfit), None) => {
                    assert_eq!(misfit.reason, MisfitReason::WrongMethod, "{verb} {path}");
                    assert_eq!(misfit.template, row.template, "{verb} {path}");
                }
                (got, listed) => panic!("{verb} {path}: {got:?}, listed {listed:?}"),
            }
        }
    }
}

#[test]
fn options_answers_on_every_route() {
    for row in ROUTES {
        let path = sample(row.template);
        let route = parse(&Method::OPTIONS, &path).unwrap();
        assert_eq!(route.action, Action::Preflight);
    }
}

#[test]
fn unknown_paths_are_unknown() {
    for path in [
        "/",
        "*",
        "",
        "//",
        "/x",
        "/N",
        "/n/ns/x",
        "/n/ns/b/b1/x",
        "/n/ns/b/b1/actions/x",
        "/n/ns/b/b1/objectversions/x",
        "/p",
        "/p/",
        "/p/s",
        "/p/s/n",
        "/p/s/n/ns/b/b1",
        "/p/s/n/ns/b/b1/p",
        "/p/s/n/ns/b/b1/u",
        "/p/s/n/ns/b/b1/u/x",
        "/workRequests/x/y",
        "/%6e",
    ] {
        assert_eq!(
            reason(Method::GET, path),
            MisfitReason::UnknownPath,
            "{path}"
        );
    }
}

#[test]
fn a_slash_at_the_end_of_a_collection_does_not_matter() {
    for path in [
        "/n",
        "/n/ns/b",
        "/n/ns/b/b1",
        "/n/ns/b/b1/o",
        "/n/ns/b/b1/p",
        "/n/ns/b/b1/u",
    ] {
        let with_slash = format!("{path}/");
        assert_eq!(get(path), get(&with_slash), "{path}");
    }
    assert_eq!(get("/p/s/n/ns/b/b1/o"), get("/p/s/n/ns/b/b1/o/"));
}

#[test]
fn object_names_keep_slashes_dots_and_plus() {
    for (path, want) in [
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("..", ".."),
        ("d%2F%2F.%2F..%2Fe%2F", "d//./../e/"),
        ("d//./../e/", "d//./../e/"),
        ("/lead", "/lead"),
        ("%2Flead", "/lead"),
        ("b%20c+d%25&%C3%A9.txt", "b c+d%&é.txt"),
        ("o/o/o", "o/o/o"),
        ("'()!*~", "'()!*~"),
    ] {
        assert_eq!(object(&format!("/n/ns/b/b1/o/{path}")), want);
        assert_eq!(object(&format!("/p/s/n/ns/b/b1/o/{path}")), want);
    }
}

#[test]
fn names_that_can_not_be_are_refused_each_in_its_way() {
    use MisfitReason as R;
    let long = format!("/n/ns/b/b1/o/{}", "x".repeat(1025));
    assert_eq!(reason(Method::GET, "/n/N_S/b/b1"), R::NoSuchNamespace);
    assert_eq!(reason(Method::GET, "/n//b/b1"), R::NoSuchNamespace);
    assert_eq!(reason(Method::GET, "/n/%zz/b/b1"), R::MalformedEscape);
    assert_eq!(reason(Method::GET, "/n/ns/b/b1/o/%2"), R::MalformedEscape);
    for path in ["/n/ns/b/a%20b", "/n/ns/b//o/x", "/n/ns/b/%ff"] {
        assert!(
            matches!(reason(Method::GET, path), R::BadBucketName(_)),
            "{path}"
        );
    }
    for path in [
        "/n/ns/b/b1/o/%ff",
        "/n/ns/b/b1/o/a%00",
        "/n/ns/b/b1/o/a%0A",
        &long,
    ] {
        assert!(
            matches!(reason(Method::GET, path), R::BadObjectName(_)),
            "{path}"
        );
    }
}

#[test]
fn under_a_secret_an_impossible_bucket_is_no_par() {
    for path in [
        "/p/s/n/NS/b/b1/o/x",
        "/p/s/n/ns/b/a%20b/o/x",
        "/p/%ff/n/ns/b/b1/o/x",
    ] {
        assert_eq!(reason(Method::GET, path), MisfitReason::NoSuchPar, "{path}");
    }
}

#[test]
fn the_last_id_in_an_upload_path_is_the_upload() {
    for (path, want) in [
        ("big.bin/id/U/", ("big.bin", "U", None)),
        ("big.bin/id/U", ("big.bin", "U", None)),
        ("big.bin/id/U/12", ("big.bin", "U", Some("12"))),
        ("a/id/b/id/U/3", ("a/id/b", "U", Some("3"))),
        ("x/id/id/U/", ("x/id", "U", None)),
        ("x%2Fid%2Fy/id/U/1/2", ("x/id/y", "U", Some("1/2"))),
    ] {
        let path = format!("/p/s/n/ns/b/b1/u/{path}");
        let method = if want.2.is_some() {
            Method::PUT
        } else {
            Method::POST
        };
        let route = parse(&method, &path).expect(&path);
        let (Action::UploadPart(object, address) | Action::CommitUpload(object, address)) =
            route.action
        else {
            panic!("{path} is no upload");
        };
        let (upload, part) = (want.1, want.2);
        assert_eq!(object.object.as_str(), want.0, "{path}");
        assert_eq!(address, UploadAddress::Path { upload, part }, "{path}");
        assert!(matches!(route.access, Access::Upload(_)));
    }
}

#[test]
fn a_par_id_is_everything_after_p_decoded_once() {
    for (path, want) in [
        ("a/b+c=:dir/x", "a/b+c=:dir/x"),
        ("a%2Fb%2Bc%3D%3Adir%2Fx", "a/b+c=:dir/x"),
        ("a:dir/", "a:dir/"),
    ] {
        let path = format!("/n/ns/b/b1/p/{path}");
        match get(&path).unwrap().action {
            Action::GetPar(_, id) => assert_eq!(id.as_ref(), want.as_bytes()),
            other => panic!("{path} is {other:?}"),
        }
    }
}

#[test]
fn only_reads_of_objects_and_lists_may_come_without_a_signature() {
    for (method, path, open) in [
        (Method::GET, "/n/ns/b/b1/o/x", true),
        (Method::HEAD, "/n/ns/b/b1/o/x", true),
        (Method::GET, "/n/ns/b/b1/o", true),
        (Method::PUT, "/n/ns/b/b1/o/x", false),
        (Method::DELETE, "/n/ns/b/b1/o/x", false),
        (Method::GET, "/n/ns/b/b1", false),
        (Method::GET, "/n", false),
    ] {
        let route = parse(&method, path).unwrap();
        assert_eq!(
            route.access == Access::SignatureOrNobody,
            open,
            "{method} {path}"
        );
    }
}

#[test]
fn a_secret_is_never_printed() {
    let route = get("/p/s3cr3t/n/ns/b/b1/o/x").unwrap();
    assert!(!format!("{route:?}").contains("s3cr3t"));
    match route.access {
        Access::Par(secret) => assert_eq!(secret.expose(), "s3cr3t"),
        other => panic!("{other:?}"),
    }
}
