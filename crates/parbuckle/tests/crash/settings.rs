//! What a bucket is told to do: retention rules and a lifecycle policy.

use std::collections::BTreeSet;

use parbuckle_testkit::SignedClient;
use serde_json::json;

use super::random::Random;

/// Most rules made in a bucket, which holds 100 (wire reference section 9).
const RULES_MAX: usize = 80;

/// The settings of one worker's bucket.
pub(crate) struct Settings {
    pub(crate) bucket: String,
    /// Ids of rules.
    rules: BTreeSet<String>,
    rule_under_way: bool,
    /// Years in the only rule of the policy.
    policy: Option<u64>,
    policy_under_way: Option<u64>,
}

impl Settings {
    pub(crate) fn new(worker: usize) -> Self {
        Self {
            bucket: format!("settings{worker}"),
            rules: BTreeSet::new(),
            rule_under_way: false,
            policy: None,
            policy_under_way: None,
        }
    }

    pub(crate) async fn create_rule(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        if self.rules.len() >= RULES_MAX {
            return self.put_policy(admin, random).await;
        }
        let call = admin.post(format!(
            "{}/retentionRules",
            admin.bucket_path(&self.bucket)
        ));
        let rule = json!({ "duration": { "timeAmount": 1, "timeUnit": "DAYS" } });
        match call.json(&rule).attempt().await {
            Ok(reply) => {
                let id = reply.expect(200).json()["id"].as_str().map(str::to_owned);
                self.rules.insert(id.expect("a rule has an id"));
                true
            }
            Err(error) => {
                self.rule_under_way = error.sent;
                false
            }
        }
    }

    pub(crate) async fn put_policy(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let years = 1 + random.below(1000);
        let call = admin.put(format!("{}/l", admin.bucket_path(&self.bucket)));
        let rule = json!({
            "name": "r",
            "action": "DELETE",
            "timeAmount": years,
            "timeUnit": "YEARS",
            "isEnabled": true,
        });
        match call.json(&json!({ "items": [rule] })).attempt().await {
            Ok(reply) => {
                reply.expect(200);
                self.policy = Some(years);
                true
            }
            Err(error) => {
                self.policy_under_way = error.sent.then_some(years);
                false
            }
        }
    }

    /// All rules are there, and the last policy; what was under way is settled by what is found.
    pub(crate) async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        let bucket = admin.bucket_path(&self.bucket);
        let target = format!("{bucket}/retentionRules");
        let rules = admin.get(target).await.expect(200).json();
        let rules = rules["items"].as_array().expect("a list").iter();
        let listed: BTreeSet<String> = rules
            .map(|rule| rule["id"].as_str().expect("a rule has an id").to_owned())
            .collect();
        let lost: Vec<_> = self.rules.difference(&listed).collect();
        assert!(lost.is_empty(), "cycle {cycle}: lost rules {lost:?}");
        let more = listed.len() - self.rules.len();
        let may_be = usize::from(self.rule_under_way);
        assert!(more <= may_be, "cycle {cycle}: {more} rules too many");
        (self.rules, self.rule_under_way) = (listed, false);

        let reply = admin.get(format!("{bucket}/l")).await;
        let found = match reply.status {
            404 => None,
            _ => reply.expect(200).json()["items"][0]["timeAmount"].as_u64(),
        };
        let possible = [self.policy, self.policy_under_way.take().or(self.policy)];
        assert!(
            possible.contains(&found),
            "cycle {cycle}: {found:?} is none of {possible:?}"
        );
        self.policy = found;
    }
}
