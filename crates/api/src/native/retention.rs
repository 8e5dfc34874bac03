//! Retention rules (wire reference 3.7, 4.6).

use http::header::{ETAG, LAST_MODIFIED};
use jiff::Timestamp;
use parbuckle_engine::{
    BucketPath, ErrorKind, NewRetentionRule, RetentionDuration, RetentionRule, RetentionRuleChange,
    RetentionUnit,
};
use parbuckle_model::{ETag, RetentionRuleId, format_http_date, parse_rfc3339};
use serde::{Deserialize, Deserializer, Serialize};

use super::Call;
use super::error::{NativeError, invalid};
use super::options::write_conditions;
use super::reply::Reply;
use crate::json::{self, required};

/// CreateRetentionRule.
pub(super) async fn create(
    call: &Call<'_>,
    path: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let new = json::parse::<RuleDetails>(body)?.into_new()?;
    let engine = call.exchange.engine();
    let rule = engine
        .create_retention_rule(&call.caller, path, new)
        .await?;
    shown(&rule)
}

/// ListRetentionRules. One page holds as many rules as a bucket can have, so no token for another is ever given out.
pub(super) async fn list(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    if call.exchange.query()?.value("page")?.is_some() {
        return Err(invalid("page is not a page token of this list"));
    }
    let engine = call.exchange.engine();
    let rules = engine.retention_rules(&call.caller, path).await?;
    Reply::json(&Collection {
        items: rules.iter().map(RuleModel::new).collect(),
    })
}

/// GetRetentionRule.
pub(super) async fn get(
    call: &Call<'_>,
    path: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let id = rule_id(path, id)?;
    let engine = call.exchange.engine();
    let rule = engine.retention_rule(&call.caller, path, &id).await?;
    let modified = format_http_date(rule.time_modified);
    Ok(shown(&rule)?.with(LAST_MODIFIED, modified))
}

/// UpdateRetentionRule.
pub(super) async fn update(
    call: &Call<'_>,
    path: &BucketPath,
    id: &[u8],
    body: &[u8],
) -> Result<Reply, NativeError> {
    let id = rule_id(path, id)?;
    let change = json::parse::<RuleDetails>(body)?.into_change()?;
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let rule = engine
        .update_retention_rule(&call.caller, path, &id, change, &conditions)
        .await?;
    shown(&rule)
}

/// DeleteRetentionRule.
pub(super) async fn delete(
    call: &Call<'_>,
    path: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let id = rule_id(path, id)?;
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    engine
        .delete_retention_rule(&call.caller, path, &id, &conditions)
        .await?;
    Ok(Reply::no_content())
}

/// Text that is no id names no rule.
fn rule_id(path: &BucketPath, text: &[u8]) -> Result<RetentionRuleId, NativeError> {
    let id = std::str::from_utf8(text).ok();
    let id = id.and_then(|text| RetentionRuleId::parse(text).ok());
    id.ok_or_else(|| ErrorKind::RetentionRuleNotFound(path.bucket.clone()).into())
}

fn shown(rule: &RetentionRule) -> Result<Reply, NativeError> {
    Ok(Reply::json(&RuleModel::new(rule))?.with(ETAG, rule.etag.to_string()))
}

/// What create and update take. An update tells an absent field, which stays, from null, which is no duration and no lock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleDetails {
    display_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    duration: Option<Option<DurationModel>>,
    #[serde(default, deserialize_with = "given")]
    time_rule_locked: Option<Option<String>>,
}

/// A field that is there, be it null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl RuleDetails {
    fn into_new(self) -> Result<NewRetentionRule, NativeError> {
        let change = self.into_change()?;
        Ok(NewRetentionRule {
            display_name: change.display_name,
            duration: change.duration.flatten(),
            time_locked: change.time_locked.flatten(),
        })
    }

    fn into_change(self) -> Result<RetentionRuleChange, NativeError> {
        let duration = |given: Option<DurationModel>| given.map(TryInto::try_into).transpose();
        let lock = |given: Option<String>| given.as_deref().map(time).transpose();
        Ok(RetentionRuleChange {
            display_name: self.display_name,
            duration: self.duration.map(duration).transpose()?,
            time_locked: self.time_rule_locked.map(lock).transpose()?,
        })
    }
}

fn time(text: &str) -> Result<Timestamp, NativeError> {
    parse_rfc3339(text).map_err(|_| {
        invalid("timeRuleLocked must conform to RFC 3339, such as 2030-01-01T00:00:00Z")
    })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DurationModel {
    time_amount: Option<i64>,
    time_unit: Option<String>,
}

impl TryFrom<DurationModel> for RetentionDuration {
    type Error = NativeError;

    fn try_from(model: DurationModel) -> Result<Self, NativeError> {
        let amount = required(model.time_amount, "duration.timeAmount")?;
        let amount = u64::try_from(amount)
            .map_err(|_| invalid("timeAmount must be a whole number of 1 or more"))?;
        let unit = match required(model.time_unit.as_deref(), "duration.timeUnit")? {
            "DAYS" => RetentionUnit::Days,
            "YEARS" => RetentionUnit::Years,
            _ => return Err(invalid("timeUnit must be DAYS or YEARS")),
        };
        Ok(Self { amount, unit })
    }
}

impl From<RetentionDuration> for DurationModel {
    fn from(duration: RetentionDuration) -> Self {
        let unit = match duration.unit {
            RetentionUnit::Days => "DAYS",
            RetentionUnit::Years => "YEARS",
        };
        Self {
            time_amount: i64::try_from(duration.amount).ok(),
            time_unit: Some(unit.to_owned()),
        }
    }
}

#[derive(Serialize)]
struct Collection<'a> {
    items: Vec<RuleModel<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleModel<'a> {
    #[serde(serialize_with = "json::text")]
    id: RetentionRuleId,
    display_name: &'a str,
    duration: Option<DurationModel>,
    #[serde(serialize_with = "json::text")]
    etag: ETag,
    #[serde(serialize_with = "json::optional_date")]
    time_rule_locked: Option<Timestamp>,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    #[serde(serialize_with = "json::date")]
    time_modified: Timestamp,
}

impl<'a> RuleModel<'a> {
    fn new(rule: &'a RetentionRule) -> Self {
        Self {
            id: rule.id,
            display_name: &rule.display_name,
            duration: rule.duration.map(Into::into),
            etag: rule.etag,
            time_rule_locked: rule.time_locked,
            time_created: rule.time_created,
            time_modified: rule.time_modified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(body: &str) -> Result<RetentionRuleChange, NativeError> {
        json::parse::<RuleDetails>(body.as_bytes())?.into_change()
    }

    #[test]
    fn an_update_tells_absent_from_null() {
        assert_eq!(change("{}").unwrap(), RetentionRuleChange::default());
        let unset = change(r#"{"duration":null,"timeRuleLocked":null}"#).unwrap();
        assert_eq!(
            (unset.duration, unset.time_locked),
            (Some(None), Some(None))
        );
    }

    #[test]
    fn what_the_cli_sends_makes_a_rule() {
        let body = r#"{"displayName":"r1","duration":{"timeAmount":1,"timeUnit":"DAYS"},"timeRuleLocked":"2031-01-01T00:00:00+00:00"}"#;
        let new = json::parse::<RuleDetails>(body.as_bytes()).unwrap();
        let new = new.into_new().unwrap();
        assert_eq!(new.display_name.as_deref(), Some("r1"));
        let duration = RetentionDuration {
            amount: 1,
            unit: RetentionUnit::Days,
        };
        assert_eq!(new.duration, Some(duration));
        assert_eq!(new.time_locked, "2031-01-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn details_are_refused_each_with_its_code() {
        for (body, want) in [
            (r#"{"duration":{}}"#, "400 MissingParameter"),
            (r#"{"duration":{"timeAmount":1}}"#, "400 MissingParameter"),
            (
                r#"{"duration":{"timeAmount":-1,"timeUnit":"DAYS"}}"#,
                "400 InvalidParameter",
            ),
            (
                r#"{"duration":{"timeAmount":1,"timeUnit":"HOURS"}}"#,
                "400 InvalidParameter",
            ),
            (
                r#"{"duration":{"timeAmount":"1","timeUnit":"DAYS"}}"#,
                "400 CannotParseRequest",
            ),
            (r#"{"timeRuleLocked":"soon"}"#, "400 InvalidParameter"),
        ] {
            let (status, code) = change(body).unwrap_err().describe();
            assert_eq!(format!("{} {code}", status.as_u16()), want, "{body}");
        }
    }

    #[test]
    fn a_rule_without_an_end_has_a_null_duration() {
        let created: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let rule = RetentionRule {
            id: RetentionRuleId::from_bytes([0; 16]),
            display_name: "r1".to_owned(),
            duration: None,
            etag: ETag::from_bytes([1; 16]),
            time_locked: None,
            time_created: created,
            time_modified: created,
        };
        insta::assert_snapshot!(
            serde_json::to_string(&RuleModel::new(&rule)).unwrap(),
            @r#"{"id":"00000000-0000-0000-0000-000000000000","displayName":"r1","duration":null,"etag":"01010101-0101-0101-0101-010101010101","timeRuleLocked":null,"timeCreated":"2026-01-02T03:04:05.678Z","timeModified":"2026-01-02T03:04:05.678Z"}"#
        );
    }
}
