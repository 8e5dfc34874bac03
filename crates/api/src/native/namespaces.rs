//! Metadata of namespaces (wire reference 3.1, 4.1).

use parbuckle_engine::{NamespaceMetadata, NamespaceMetadataChange};
use parbuckle_model::{Namespace, Ocid};
use serde::{Deserialize, Serialize};

use super::Call;
use super::error::{NativeError, invalid};
use super::reply::Reply;
use crate::json;

/// GetNamespaceMetadata.
pub(super) async fn metadata(call: &Call<'_>, namespace: &Namespace) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    let metadata = engine.namespace_metadata(&call.caller, namespace).await?;
    Reply::json(&MetadataModel::new(&metadata))
}

/// UpdateNamespaceMetadata.
pub(super) async fn update(
    call: &Call<'_>,
    namespace: &Namespace,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let change = json::parse::<UpdateDetails>(body)?.into_change()?;
    let engine = call.exchange.engine();
    let metadata = engine
        .update_namespace_metadata(&call.caller, namespace, change)
        .await?;
    Reply::json(&MetadataModel::new(&metadata))
}

#[derive(Deserialize)]
struct UpdateDetails {
    #[serde(rename = "defaultS3CompartmentId")]
    s3_compartment: Option<String>,
    #[serde(rename = "defaultSwiftCompartmentId")]
    swift_compartment: Option<String>,
}

impl UpdateDetails {
    fn into_change(self) -> Result<NamespaceMetadataChange, NativeError> {
        let ocid = |text: String| {
            Ocid::parse(&text).map_err(|_| invalid(format!("{text:?} is not an OCID")))
        };
        Ok(NamespaceMetadataChange {
            s3_compartment: self.s3_compartment.map(ocid).transpose()?,
            swift_compartment: self.swift_compartment.map(ocid).transpose()?,
        })
    }
}

#[derive(Serialize)]
struct MetadataModel<'a> {
    namespace: &'a str,
    #[serde(rename = "defaultS3CompartmentId")]
    s3_compartment: &'a str,
    #[serde(rename = "defaultSwiftCompartmentId")]
    swift_compartment: &'a str,
}

impl<'a> MetadataModel<'a> {
    fn new(metadata: &'a NamespaceMetadata) -> Self {
        Self {
            namespace: metadata.namespace.as_str(),
            s3_compartment: metadata.s3_compartment.as_str(),
            swift_compartment: metadata.swift_compartment.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ocid_is_refused() {
        let details: UpdateDetails =
            json::parse(br#"{"defaultSwiftCompartmentId": "a b"}"#).unwrap();
        let (status, code) = details.into_change().unwrap_err().describe();
        assert_eq!((status.as_u16(), code), (400, "InvalidParameter"));
    }

    #[test]
    fn the_model_has_the_documented_names() {
        let metadata = NamespaceMetadata {
            namespace: Namespace::parse("ns1").unwrap(),
            s3_compartment: Ocid::parse("a").unwrap(),
            swift_compartment: Ocid::parse("b").unwrap(),
        };
        insta::assert_snapshot!(
            serde_json::to_string(&MetadataModel::new(&metadata)).unwrap(),
            @r#"{"namespace":"ns1","defaultS3CompartmentId":"a","defaultSwiftCompartmentId":"b"}"#
        );
    }
}
