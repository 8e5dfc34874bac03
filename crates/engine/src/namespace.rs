//! Metadata of namespaces (wire reference 3.1, 4.1): where the buckets of other interfaces are made.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{ETag, Namespace, Ocid};

use crate::authority::{Concern, Need, Standing};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, NamespaceMetadataRecord, TenancyRecord};
use crate::{Engine, keys};

/// What is set for a namespace; the root compartment where nothing was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceMetadata {
    /// The namespace.
    pub namespace: Namespace,
    /// The compartment of buckets that come by way of the S3 interface.
    pub s3_compartment: Ocid,
    /// The compartment of containers that come by way of Swift.
    pub swift_compartment: Ocid,
}

/// A change of it: what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceMetadataChange {
    /// For buckets that come by way of the S3 interface.
    pub s3_compartment: Option<Ocid>,
    /// For containers that come by way of Swift.
    pub swift_compartment: Option<Ocid>,
}

impl Engine {
    /// The metadata of the caller's namespace. Asks for OBJECTSTORAGE_NAMESPACE_READ in the root compartment; a caller
    /// without it is told that there is no such namespace.
    pub async fn namespace_metadata(
        &self,
        caller: &Caller,
        namespace: &Namespace,
    ) -> Result<NamespaceMetadata, Error> {
        let reader = self.kv.snapshot().await?;
        let operation = Operation::GetNamespaceMetadata;
        let permission = Permission::ObjectStorageNamespaceRead;
        self.admit_to_namespace(&*reader, caller, namespace, operation, permission)
            .await?;
        stored(&*reader, namespace).await.map(shown(namespace))
    }

    /// Changes it. Asks for OBJECTSTORAGE_NAMESPACE_UPDATE in the root compartment. The compartments must be of the
    /// tenancy and not deleted, else [`ErrorKind::RelatedNotAuthorizedOrNotFound`].
    pub async fn update_namespace_metadata(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        change: NamespaceMetadataChange,
    ) -> Result<NamespaceMetadata, Error> {
        let (etag, change) = (ETag::from_random(self.random()), &change);
        self.transact("update_namespace_metadata", |tx| async move {
            let operation = Operation::UpdateNamespaceMetadata;
            let permission = Permission::ObjectStorageNamespaceUpdate;
            let standing = self
                .admit_to_namespace(tx.reader(), caller, namespace, operation, permission)
                .await?;
            let was = stored(tx.reader(), namespace).await?;
            if was.etag == etag {
                return Ok(shown(namespace)(was));
            }
            let given = [&change.s3_compartment, &change.swift_compartment];
            for compartment in given.into_iter().flatten() {
                if standing.identity.compartment_path(compartment).is_none() {
                    let text = format!("There is no compartment {compartment} in this tenancy");
                    return Err(ErrorKind::RelatedNotAuthorizedOrNotFound(text).into());
                }
            }
            let chosen = |given: &Option<Ocid>, was| given.clone().unwrap_or(was);
            let record = NamespaceMetadataRecord {
                s3_compartment: chosen(&change.s3_compartment, was.s3_compartment),
                swift_compartment: chosen(&change.swift_compartment, was.swift_compartment),
                etag,
            };
            tx.put(keys::namespace_metadata(namespace), &record);
            Ok(shown(namespace)(record))
        })
        .await
    }

    async fn admit_to_namespace(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        namespace: &Namespace,
        operation: Operation,
        permission: Permission,
    ) -> Result<Standing, Error> {
        let refused = |cause: String| Error::from(ErrorKind::NamespaceNotFound).because(cause);
        let standing = self.standing(reader, caller).await?.map_err(refused)?;
        if standing.user.namespace != *namespace {
            return Err(refused("the caller belongs to another tenancy".to_owned()));
        }
        let root = &standing.identity.tenancy().ocid;
        standing
            .holds(operation, Need::All(&[permission]), Concern::of(root))
            .map_err(refused)?;
        Ok(standing)
    }
}

/// The compartment in which containers are made that come by way of Swift.
pub(crate) async fn default_swift_compartment(
    reader: &dyn Reader,
    namespace: &Namespace,
) -> Result<Ocid, Error> {
    Ok(stored(reader, namespace).await?.swift_compartment)
}

/// What is stored, or what holds where nothing is.
async fn stored(
    reader: &dyn Reader,
    namespace: &Namespace,
) -> Result<NamespaceMetadataRecord, Error> {
    let asked = [
        keys::namespace_metadata(namespace),
        keys::tenancy(namespace),
    ];
    let mut found = reader.get_many(&asked).await?.into_iter();
    let (metadata, tenancy) = (found.next().flatten(), found.next().flatten());
    if let Some(record) = records::decode_optional(metadata.as_ref())? {
        return Ok(record);
    }
    let tenancy = records::decode_optional::<TenancyRecord>(tenancy.as_ref())?
        .ok_or(ErrorKind::NamespaceNotFound)?;
    Ok(NamespaceMetadataRecord {
        s3_compartment: tenancy.ocid.clone(),
        swift_compartment: tenancy.ocid,
        etag: ETag::from_bytes([0; 16]),
    })
}

fn shown(namespace: &Namespace) -> impl Fn(NamespaceMetadataRecord) -> NamespaceMetadata {
    |record| NamespaceMetadata {
        namespace: namespace.clone(),
        s3_compartment: record.s3_compartment,
        swift_compartment: record.swift_compartment,
    }
}
