//! A request whose caller is known, and how its parts are read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, SHA256};
use http::HeaderName;
use http::header::IF_MATCH;
use parbuckle_engine::{
    Caller, Engine, EntityChange, EntityDetails, ErrorKind, LifecycleState, ListOptions,
    RetryToken, SortBy, SortOrder,
};
use parbuckle_model::{EtagCondition, Ocid, Preconditions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{IdentityError, invalid};
use crate::exchange::Exchange;
use crate::fields;
use crate::json::{self, required};
use crate::query::Query;

const OPC_RETRY_TOKEN: HeaderName = HeaderName::from_static("opc-retry-token");

/// A request in the hands of a handler.
pub(super) struct Call<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) caller: Caller,
    pub(super) query: Query<'a>,
    pub(super) parameters: &'a [Cow<'a, str>],
    pub(super) body: &'a [u8],
}

impl<'a> Call<'a> {
    pub(super) fn engine(&self) -> &'a Engine {
        self.exchange.engine()
    }

    /// A parameter of the path. What the template does not have is empty.
    pub(super) fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", AsRef::as_ref)
    }

    /// The OCID that the path names first.
    pub(super) fn id(&self) -> Result<Ocid, IdentityError> {
        // Text that is no OCID names nothing.
        Ocid::parse(self.parameter(0)).map_err(|_| ErrorKind::NotAuthorizedOrNotFound.into())
    }

    /// The body, which must be one JSON object. Unknown fields are ignored.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, IdentityError> {
        Ok(json::parse(self.body)?)
    }

    /// `compartmentId` of the query.
    pub(super) fn compartment(&self) -> Result<Ocid, IdentityError> {
        ocid(required(
            self.query.value("compartmentId")?,
            "compartmentId",
        )?)
    }

    /// An OCID of the query.
    pub(super) fn query_ocid(&self, name: &'static str) -> Result<Option<Ocid>, IdentityError> {
        self.query.value(name)?.map(ocid).transpose()
    }

    /// A text of the query.
    pub(super) fn query_text(&self, name: &'static str) -> Result<Option<String>, IdentityError> {
        Ok(self.query.value(name)?.map(str::to_owned))
    }

    /// The parameters that most lists share.
    pub(super) fn list_options(&self) -> Result<ListOptions, IdentityError> {
        let (page, limit) = self.query.paging()?;
        let sort_by = match self.query.value("sortBy")? {
            None | Some("NAME") => SortBy::Name,
            Some("TIMECREATED") => SortBy::TimeCreated,
            Some(_) => return Err(invalid("sortBy must be TIMECREATED or NAME")),
        };
        let sort_order = match self.query.value("sortOrder")? {
            None => None,
            Some("ASC") => Some(SortOrder::Ascending),
            Some("DESC") => Some(SortOrder::Descending),
            Some(_) => return Err(invalid("sortOrder must be ASC or DESC")),
        };
        let state = self.query.value("lifecycleState")?.map(|text| {
            LifecycleState::parse(text).ok_or_else(|| {
                invalid("lifecycleState must be CREATING, ACTIVE, INACTIVE, DELETING or DELETED")
            })
        });
        Ok(ListOptions {
            name: self.query_text("name")?,
            lifecycle_state: state.transpose()?,
            sort_by,
            sort_order,
            page,
            limit,
        })
    }

    /// `if-match`.
    pub(super) fn preconditions(&self) -> Result<Preconditions, IdentityError> {
        Ok(Preconditions {
            if_match: fields::text(self.exchange.headers(), &IF_MATCH)?.map(EtagCondition::parse),
            if_none_match: None,
        })
    }

    /// `opc-retry-token`.
    pub(super) fn retry_token(&self) -> Result<Option<RetryToken>, IdentityError> {
        let Some(text) = fields::text(self.exchange.headers(), &OPC_RETRY_TOKEN)? else {
            return Ok(None);
        };
        // The same body to another address is another request.
        let path = self.exchange.parts.uri.path();
        let mut hashed = digest::Context::new(&SHA256);
        hashed.update(path.as_bytes());
        hashed.update(&[0]);
        hashed.update(self.body);
        let mut request = [0; 32];
        request.copy_from_slice(hashed.finish().as_ref());
        let token = RetryToken::new(text, request)
            .map_err(|_| invalid("opc-retry-token has at most 64 visible characters"))?;
        Ok(Some(token))
    }
}

pub(super) fn ocid(text: &str) -> Result<Ocid, IdentityError> {
    Ocid::parse(text).map_err(|_| invalid(format!("{text:?} is not an OCID")))
}

/// What creations and updates share.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommonFields {
    compartment_id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    freeform_tags: Option<BTreeMap<String, String>>,
    defined_tags: Option<BTreeMap<String, Map<String, Value>>>,
}

impl CommonFields {
    /// For a creation.
    pub(super) fn into_details(self) -> Result<EntityDetails, IdentityError> {
        let compartment = required(self.compartment_id.as_deref(), "compartmentId")?;
        Ok(EntityDetails {
            compartment: ocid(compartment)?,
            name: required(self.name, "name")?,
            description: required(self.description, "description")?,
            freeform_tags: pairs(self.freeform_tags.unwrap_or_default()),
            defined_tags: json::defined_tags(self.defined_tags.unwrap_or_default()),
        })
    }

    /// For an update.
    pub(super) fn into_change(self) -> EntityChange {
        EntityChange {
            description: self.description,
            freeform_tags: self.freeform_tags.map(pairs),
            defined_tags: self.defined_tags.map(json::defined_tags),
        }
    }

    /// The name in an update, which only compartments take.
    pub(super) fn new_name(&self) -> Option<String> {
        self.name.clone()
    }
}

fn pairs(tags: BTreeMap<String, String>) -> Vec<(String, String)> {
    tags.into_iter().collect()
}
