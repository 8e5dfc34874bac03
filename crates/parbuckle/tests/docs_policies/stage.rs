//! A server on which the steps of a scenario are performed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parbuckle_testkit::{Call, Par, Reply, SignedClient, TestServer};
use serde_json::{Value, json};

const IDENTITY: &str = "/20160918";
const HOUR_SECS: u32 = 3600;

/// A server, and everything on it by the name that scenarios use.
pub(crate) struct Stage {
    server: TestServer,
    admin: SignedClient,
    users: HashMap<String, (String, SignedClient)>,
    /// OCIDs of groups, compartments (by path) and policies.
    ids: HashMap<String, String>,
    memberships: HashMap<String, String>,
    /// The last PAR that was made.
    par: Option<Par>,
    last_reply: Option<Reply>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let server = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle"))
            .arg("--dev")
            .start()
            .await;
        let admin = server.admin();
        let admin_id = server.bootstrap().field("admin_user_ocid").to_owned();
        Self {
            users: HashMap::from([("admin".to_owned(), (admin_id, admin.clone()))]),
            server,
            admin,
            ids: HashMap::new(),
            memberships: HashMap::new(),
            par: None,
            last_reply: None,
        }
    }

    /// Does what one line of a scenario says. A line with an arrow is a request and the reply it gets.
    pub(crate) async fn perform(&mut self, line: &str) {
        if let Some((request, expected)) = line.split_once(" → ") {
            return self.request(line, request, expected).await;
        }
        if let Some(policy) = line.strip_prefix("policy ") {
            return self.policy_step(line, policy).await;
        }
        if let Some(name) = line.strip_prefix("group '") {
            return self.create_group(name.trim_end_matches('\'')).await;
        }
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["bucket", name, ref rest @ ..] => self.bucket_step(line, name, rest).await,
            ["group", name] => self.create_group(name).await,
            ["group", name, "is", "deleted"] => {
                self.admin.delete_group(&self.ids[name]).await;
                self.ids.remove(name);
            }
            ["dynamic-group", name] => {
                let rule = json!({ "matchingRule": "instance.id = 'x'" });
                self.create("dynamicGroups", name, None, rule).await;
            }
            ["compartment", path] => {
                let (parent, name) = path.rsplit_once(':').unzip();
                let name = name.unwrap_or(path);
                let id = self.create("compartments", name, parent, json!({})).await;
                self.ids.insert(path.to_owned(), id);
            }
            ["object", path] => {
                let (bucket, object) = path.split_once('/').unwrap();
                self.admin.put_object(bucket, object, "x").await;
            }
            ["deny", "statements", "are", "enabled"] => {
                let tenancy = self.admin.tenancy();
                let target = format!("{IDENTITY}/tenancies/{tenancy}/actions/enableDenyStatements");
                self.admin.post(target).json(&json!({})).await.expect(200);
            }
            ["an", "hour", "passes"] => self.server.advance_clock(HOUR_SECS).await,
            ["the", "PAR", "is", "deleted"] => {
                let par = self.par.as_ref().unwrap();
                let bucket = par.root().split('/').nth(6).unwrap();
                self.admin.delete_par(bucket, par).await;
            }
            _ => self.user_step(line, &words).await,
        }
    }

    async fn policy_step(&mut self, line: &str, policy: &str) {
        let (head, statement) = policy.split_once(": ").unwrap();
        let (name, compartment) = match head.split_once(" in ") {
            Some((name, compartment)) => (name, Some(compartment)),
            None => (head, None),
        };
        let reply = self.write_policy(name, compartment, statement).await;
        assert_eq!(reply.status, 200, "{line}\n{reply}");
    }

    async fn bucket_step(&self, line: &str, name: &str, rest: &[&str]) {
        let change = match rest {
            [] => return drop(self.admin.create_bucket(name).await),
            ["in", path] => {
                let place = json!({ "compartmentId": self.ids[*path] });
                return drop(self.admin.create_bucket_with(name, place).await);
            }
            ["moves", "to", path] => json!({ "compartmentId": self.ids[*path] }),
            ["is", "public"] => json!({ "publicAccessType": "ObjectReadWithoutList" }),
            _ => panic!("not a step of a scenario: {line}"),
        };
        let target = self.admin.bucket_path(name);
        self.admin.post(target).json(&change).await.expect(200);
    }

    /// Creates the policy, or replaces its statement.
    pub(crate) async fn write_policy(
        &mut self,
        name: &str,
        compartment: Option<&str>,
        statement: &str,
    ) -> Reply {
        let mut statement = statement.to_owned();
        for (known, id) in &self.ids {
            statement = statement.replace(&format!("<OCID of {known}>"), id);
        }
        let key = format!("policy {name}");
        if let Some(id) = self.ids.get(&key) {
            let target = format!("{IDENTITY}/policies/{id}");
            let change = json!({ "statements": [statement] });
            return self.admin.put(target).json(&change).await;
        }
        let fields = json!({ "statements": [statement] });
        let reply = self.post("policies", name, compartment, fields).await;
        if reply.status == 200 {
            self.ids.insert(key, text(&reply.json(), "id"));
        }
        reply
    }

    /// Checks that the log says of the last request why it was refused, and that its reply did not.
    pub(crate) async fn assert_logged(&self, why: &str) {
        let (reply, why) = (self.last_reply.as_ref().unwrap(), self.filled_in(why));
        let told = reply.json();
        let (code, message) = (text(&told, "code"), text(&told, "message"));
        let cause = self.logged_cause(reply.required("opc-request-id")).await;
        assert_eq!(cause, format!("{code}: {message} ({why})"));
        assert!(!reply.text().contains(&why), "the reply tells why");
    }

    /// What the access log says of the request with this id, as soon as it says anything.
    async fn logged_cause(&self, request_id: &str) -> String {
        let began = Instant::now();
        loop {
            let output = self.server.output();
            let lines = output
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(line) = lines.into_iter().find(|l| l["request_id"] == request_id) {
                return text(&line, "cause");
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{output}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn user_step(&mut self, line: &str, words: &[&str]) {
        let id = |name: &str| self.users[name].0.clone();
        let admin = self.admin.clone();
        match words {
            ["user", name] => self.create_user(name).await,
            ["user", name, "in", group] => {
                self.create_user(name).await;
                if !self.ids.contains_key(*group) {
                    self.create_group(group).await;
                }
                self.join(name, group).await;
            }
            [name, "joins", group] => self.join(name, group).await,
            [name, "leaves", group] => {
                let membership = &self.memberships[&format!("{name} {group}")];
                admin.remove_membership(membership).await;
            }
            [name, "is", "deleted"] => drop(admin.delete_user(&id(name)).await),
            [name, "is", state @ ("blocked" | "unblocked")] => {
                let target = format!("{IDENTITY}/users/{}/state", id(name));
                let state = json!({ "blocked": *state == "blocked" });
                admin.put(target).json(&state).await.expect(200);
            }
            [name, "may", rest @ .., "use", "API", "keys"] => {
                let change = json!({ "canUseApiKeys": rest.is_empty() });
                admin.update_capabilities(&id(name), change).await;
            }
            _ => panic!("not a step of a scenario: {line}"),
        }
    }

    async fn request(&mut self, line: &str, request: &str, expected: &str) {
        let words: Vec<&str> = request.split(' ').collect();
        let call = match words[..] {
            [name, "shares", target, "as", access, ref rest @ ..] => {
                self.share(name, target, access, rest)
            }
            [who, method, target] => self.call(who, method, target),
            _ => panic!("not a request of a scenario: {line}"),
        };
        let reply = call.await;
        let expected = self.filled_in(expected);
        assert!(
            reply.to_string().starts_with(&expected),
            "{line}\nbut the reply is {reply}"
        );
        if request.contains(" shares ") && reply.status == 200 {
            self.par = Some(Par::from_answer(reply.json(), self.server.endpoint()));
        }
        self.last_reply = Some(reply);
    }

    /// CreatePreauthenticatedRequest of a bucket, or of `bucket/name`.
    fn share(&self, name: &str, target: &str, access: &str, rest: &[&str]) -> Call {
        let (bucket, object) = target.split_once('/').unzip();
        let far = "2099-12-31T23:59:59Z".to_owned();
        let mut details = json!({ "name": "link", "accessType": access, "timeExpires": far });
        if let Some(object) = object {
            details["objectName"] = json!(object);
        }
        match rest {
            [] => {}
            ["with", "listing"] => details["bucketListingAction"] = json!("ListObjects"),
            ["for", "an", "hour"] => {
                let end = self.server.clock().rfc3339_in(i64::from(HOUR_SECS));
                details["timeExpires"] = json!(end);
            }
            _ => panic!("not a way to share: {rest:?}"),
        }
        let client = &self.users[name].1;
        let path = client.bucket_path(bucket.unwrap_or(target));
        client.post(format!("{path}/p")).json(&details)
    }

    fn call(&self, who: &str, method: &str, target: &str) -> Call {
        let target = self.filled_in(target);
        let path = match target.split_once('/') {
            None => format!("{}/o", self.admin.bucket_path(&target)),
            Some(("", _)) => target,
            Some((bucket, object)) => self.admin.object_path(bucket, object),
        };
        let path = match (who, &self.par) {
            ("link", Some(par)) => format!("/p/{}{path}", par.token()),
            ("link", None) => panic!("there is no link yet"),
            _ => path,
        };
        let (method, body) = match method {
            "LIST" | "GET" => ("GET", ""),
            other => (other, "y"),
        };
        let method = method.parse().unwrap();
        let call = match who {
            "link" | "anybody" => self.server.anonymous().call(method, path),
            name => self.users[name].1.call(method, path),
        };
        match body {
            "" => call,
            body => call.body(body),
        }
    }

    async fn create_user(&mut self, name: &str) {
        let user = self.admin.create_user_client(name, &[]).await;
        self.users.insert(name.to_owned(), (user.id, user.client));
    }

    async fn create_group(&mut self, name: &str) {
        let id = self.admin.create_group(name).await;
        self.ids.insert(name.to_owned(), id);
    }

    async fn join(&mut self, name: &str, group: &str) {
        let (user, group_id) = (&self.users[name].0, &self.ids[group]);
        let membership = self.admin.add_user_to_group(user, group_id).await;
        self.memberships
            .insert(format!("{name} {group}"), membership);
    }

    /// Creates something in a compartment, in the root without one; returns its OCID.
    async fn create(&self, what: &str, name: &str, place: Option<&str>, fields: Value) -> String {
        let reply = self.post(what, name, place, fields).await.expect(200);
        text(&reply.json(), "id")
    }

    async fn post(&self, what: &str, name: &str, place: Option<&str>, fields: Value) -> Reply {
        let compartment = place.map_or(self.admin.tenancy(), |path| &self.ids[path]);
        let mut body = fields;
        body["compartmentId"] = json!(compartment);
        body["name"] = json!(name);
        body["description"] = json!("made by a test");
        self.admin
            .post(format!("{IDENTITY}/{what}"))
            .json(&body)
            .await
    }

    /// The text with ids in place of the words in braces.
    fn filled_in(&self, text: &str) -> String {
        let mut text = text.replace("{namespace}", self.admin.namespace());
        for (name, (id, _)) in &self.users {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        if let Some(par) = &self.par {
            // The id of an object's PAR goes on with the object's name.
            let id = par.id.split(':').next().unwrap_or_default();
            text = text.replace("{par}", id);
        }
        text
    }
}

#[track_caller]
fn text(json: &Value, field: &str) -> String {
    let found = json[field].as_str();
    found
        .unwrap_or_else(|| panic!("no text {field:?} in {json}"))
        .to_owned()
}
