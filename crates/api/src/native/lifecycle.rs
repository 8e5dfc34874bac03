//! Lifecycle policies (wire reference 3.7, 4.6).

use http::header::ETAG;
use jiff::Timestamp;
use parbuckle_engine::{
    BucketPath, LifecycleAction, LifecyclePolicy, LifecycleRule, LifecycleTarget,
    LifecycleTimeUnit, ObjectNameFilter,
};
use serde::{Deserialize, Serialize};

use super::Call;
use super::error::{NativeError, invalid};
use super::options::write_conditions;
use super::reply::Reply;
use crate::json::{self, required};

/// PutObjectLifecyclePolicy.
pub(super) async fn put(
    call: &Call<'_>,
    path: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let rules = json::parse::<PolicyDetails>(body)?.into_rules()?;
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let policy = engine
        .put_lifecycle_policy(&call.caller, path, rules, &conditions)
        .await?;
    shown(&policy)
}

/// GetObjectLifecyclePolicy.
pub(super) async fn get(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    shown(&engine.lifecycle_policy(&call.caller, path).await?)
}

/// DeleteObjectLifecyclePolicy.
pub(super) async fn delete(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    engine
        .delete_lifecycle_policy(&call.caller, path, &conditions)
        .await?;
    Ok(Reply::no_content())
}

fn shown(policy: &LifecyclePolicy) -> Result<Reply, NativeError> {
    let model = PolicyModel {
        time_created: policy.time_created,
        items: policy.rules.iter().map(RuleModel::new).collect(),
    };
    Ok(Reply::json(&model)?.with(ETAG, policy.etag.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyDetails {
    items: Option<Vec<RuleDetails>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleDetails {
    name: Option<String>,
    target: Option<String>,
    action: Option<String>,
    time_amount: Option<i64>,
    time_unit: Option<String>,
    is_enabled: Option<bool>,
    object_name_filter: Option<FilterDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterDetails {
    inclusion_prefixes: Option<Vec<String>>,
    inclusion_patterns: Option<Vec<String>>,
    exclusion_patterns: Option<Vec<String>>,
}

impl PolicyDetails {
    fn into_rules(self) -> Result<Vec<LifecycleRule>, NativeError> {
        let rules = self.items.unwrap_or_default().into_iter();
        rules.map(RuleDetails::into_rule).collect()
    }
}

impl RuleDetails {
    fn into_rule(self) -> Result<LifecycleRule, NativeError> {
        let target = self.target.as_deref().map(|text| {
            LifecycleTarget::parse(text).ok_or_else(|| {
                invalid("target must be objects, multipart-uploads or previous-object-versions")
            })
        });
        let action = LifecycleAction::parse(&required(self.action, "action")?)
            .ok_or_else(|| invalid("action must be ARCHIVE, INFREQUENT_ACCESS, DELETE or ABORT"))?;
        let time_unit = LifecycleTimeUnit::parse(&required(self.time_unit, "timeUnit")?)
            .ok_or_else(|| invalid("timeUnit must be DAYS or YEARS"))?;
        let time_amount = u32::try_from(required(self.time_amount, "timeAmount")?)
            .map_err(|_| invalid(format!("timeAmount must be between 1 and {}", u32::MAX)))?;
        Ok(LifecycleRule {
            name: required(self.name, "name")?,
            target: target.transpose()?.unwrap_or(LifecycleTarget::Objects),
            action,
            time_amount,
            time_unit,
            enabled: required(self.is_enabled, "isEnabled")?,
            filter: self.object_name_filter.map(Into::into),
        })
    }
}

impl From<FilterDetails> for ObjectNameFilter {
    fn from(details: FilterDetails) -> Self {
        Self {
            inclusion_prefixes: details.inclusion_prefixes.unwrap_or_default(),
            inclusion_patterns: details.inclusion_patterns.unwrap_or_default(),
            exclusion_patterns: details.exclusion_patterns.unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyModel<'a> {
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    items: Vec<RuleModel<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleModel<'a> {
    name: &'a str,
    target: &'static str,
    action: &'static str,
    time_amount: u32,
    time_unit: &'static str,
    is_enabled: bool,
    object_name_filter: Option<FilterModel<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterModel<'a> {
    inclusion_prefixes: &'a [String],
    inclusion_patterns: &'a [String],
    exclusion_patterns: &'a [String],
}

impl<'a> RuleModel<'a> {
    fn new(rule: &'a LifecycleRule) -> Self {
        Self {
            name: &rule.name,
            target: rule.target.as_str(),
            action: rule.action.as_str(),
            time_amount: rule.time_amount,
            time_unit: rule.time_unit.as_str(),
            is_enabled: rule.enabled,
            object_name_filter: rule.filter.as_ref().map(|filter| FilterModel {
                inclusion_prefixes: &filter.inclusion_prefixes,
                inclusion_patterns: &filter.inclusion_patterns,
                exclusion_patterns: &filter.exclusion_patterns,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rule(change: Value) -> Result<Vec<LifecycleRule>, NativeError> {
        let mut rule = json!({
            "name": "r", "action": "DELETE", "timeAmount": 1, "timeUnit": "DAYS", "isEnabled": true,
        });
        for (field, value) in change.as_object().unwrap() {
            rule[field] = value.clone();
        }
        let body = json!({ "items": [rule] }).to_string();
        let details = json::parse::<PolicyDetails>(body.as_bytes()).unwrap();
        details.into_rules()
    }

    #[test]
    fn a_rule_without_target_is_about_objects() {
        let rules = rule(json!({})).unwrap();
        assert_eq!(rules[0].target, LifecycleTarget::Objects);
        assert_eq!(rules[0].filter, None);
    }

    #[test]
    fn unknown_values_are_refused() {
        for change in [
            json!({ "target": "buckets" }),
            json!({ "action": "delete" }),
            json!({ "timeUnit": "MONTHS" }),
            json!({ "timeAmount": -1 }),
            json!({ "timeAmount": 1_i64 << 32 }),
        ] {
            let (status, code) = rule(change.clone()).unwrap_err().describe();
            let refusal = (status.as_u16(), code);
            assert_eq!(refusal, (400, "InvalidParameter"), "{change}");
        }
    }

    #[test]
    fn what_a_rule_needs_must_be_there() {
        for field in ["name", "action", "timeAmount", "timeUnit", "isEnabled"] {
            let (status, code) = rule(json!({ field: null })).unwrap_err().describe();
            let refusal = (status.as_u16(), code);
            assert_eq!(refusal, (400, "MissingParameter"), "{field}");
        }
    }

    #[test]
    fn a_rule_comes_back_as_it_was_given() {
        let given = json!({
            "name": "r", "target": "previous-object-versions", "action": "ARCHIVE",
            "timeAmount": 2, "timeUnit": "YEARS", "isEnabled": false,
            "objectNameFilter": {
                "inclusionPrefixes": ["a/"], "inclusionPatterns": ["*.b"], "exclusionPatterns": [],
            },
        });
        let rules = rule(given.clone()).unwrap();
        assert_eq!(
            serde_json::to_value(RuleModel::new(&rules[0])).unwrap(),
            given
        );
    }
}
