//! What is fixed in a tenancy: its region, the one availability domain with its fault domains, the one identity domain.

use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_model::{ETag, Ocid};

use super::admission::{conflict, refused};
use super::text::invalid;
use crate::Engine;
use crate::authority::Concern;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::TenancyRecord;

/// Fault domains of the availability domain.
const FAULT_DOMAINS: usize = 3;

/// A region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its key, such as `PHX`.
    pub key: String,
    /// Its name, such as `us-phoenix-1`.
    pub name: String,
}

/// A tenancy's use of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSubscription {
    /// The region.
    pub region: Region,
    /// Whether the tenancy's identity lives there.
    pub is_home: bool,
}

/// An availability domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailabilityDomain {
    /// Its OCID.
    pub id: Ocid,
    /// Its name, such as `prbk:PHX-AD-1`.
    pub name: String,
}

/// A fault domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultDomain {
    /// Its OCID.
    pub id: Ocid,
    /// Its name, such as `FAULT-DOMAIN-1`.
    pub name: String,
    /// The name of its availability domain.
    pub availability_domain: String,
}

/// An identity domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityDomain {
    /// Its OCID.
    pub id: Ocid,
    /// The tenancy.
    pub compartment: Ocid,
    /// Its name, such as `Default`.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// When it was made.
    pub time_created: Timestamp,
}

impl Engine {
    /// The regions that there are: this one. Any user may ask.
    pub async fn regions(&self, caller: &Caller) -> Result<Vec<Region>, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        admin.admit(Operation::ListRegions, Concern::of(admin.root()))?;
        Ok(vec![self.home_region()])
    }

    /// The regions that a tenancy uses.
    pub async fn region_subscriptions(
        &self,
        caller: &Caller,
        tenancy: &Ocid,
    ) -> Result<Vec<RegionSubscription>, Error> {
        self.admit_tenancy(caller, Operation::ListRegionSubscriptions, tenancy)
            .await?;
        Ok(vec![RegionSubscription {
            region: self.home_region(),
            is_home: true,
        }])
    }

    /// Refuses another subscription: there is no other region.
    pub async fn create_region_subscription(
        &self,
        caller: &Caller,
        tenancy: &Ocid,
        region_key: &str,
    ) -> Result<RegionSubscription, Error> {
        self.admit_tenancy(caller, Operation::CreateRegionSubscription, tenancy)
            .await?;
        let home = self.home_region();
        if home.key.eq_ignore_ascii_case(region_key) {
            return Err(conflict(
                "RegionSubscriptionAlreadyExists",
                format!("The tenancy is subscribed to {} already", home.key),
            ));
        }
        Err(invalid(format!(
            "There is no region with key {region_key:?}"
        )))
    }

    /// The availability domains.
    pub async fn availability_domains(
        &self,
        caller: &Caller,
        compartment: &Ocid,
    ) -> Result<Vec<AvailabilityDomain>, Error> {
        self.admit_place(caller, Operation::ListAvailabilityDomains, compartment)
            .await?;
        let name = self.availability_domain();
        Ok(vec![AvailabilityDomain {
            id: fixed_ocid("availabilitydomain", &name),
            name,
        }])
    }

    /// The fault domains of an availability domain.
    pub async fn fault_domains(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        availability_domain: &str,
    ) -> Result<Vec<FaultDomain>, Error> {
        self.admit_place(caller, Operation::ListFaultDomains, compartment)
            .await?;
        let home = self.availability_domain();
        if home != availability_domain {
            return Err(refused("there is no such availability domain"));
        }
        let domain = |number| {
            let name = format!("FAULT-DOMAIN-{number}");
            FaultDomain {
                id: fixed_ocid("faultdomain", &format!("{home}/{name}")),
                name,
                availability_domain: home.clone(),
            }
        };
        Ok((1..=FAULT_DOMAINS).map(domain).collect())
    }

    /// The identity domains of a compartment: `Default` in the root, none elsewhere.
    pub async fn identity_domains(
        &self,
        caller: &Caller,
        compartment: &Ocid,
    ) -> Result<Vec<IdentityDomain>, Error> {
        let tenancy = self
            .admit_place(caller, Operation::ListDomains, compartment)
            .await?;
        let domain = self.default_domain(&tenancy);
        Ok(Vec::from_iter(
            (domain.compartment == *compartment).then_some(domain),
        ))
    }

    /// An identity domain.
    pub async fn identity_domain(
        &self,
        caller: &Caller,
        id: &Ocid,
    ) -> Result<IdentityDomain, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        admin.admit(Operation::GetDomain, Concern::of(admin.root()))?;
        let domain = self.default_domain(admin.tenancy());
        if domain.id != *id {
            return Err(refused("there is no such identity domain"));
        }
        Ok(domain)
    }

    /// Admits an operation on the caller's tenancy.
    pub(crate) async fn admit_tenancy(
        &self,
        caller: &Caller,
        operation: Operation,
        tenancy: &Ocid,
    ) -> Result<TenancyRecord, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        if tenancy != admin.root() {
            return Err(refused("the caller belongs to another tenancy"));
        }
        admin.admit(operation, Concern::of(tenancy))?;
        Ok(admin.tenancy().clone())
    }

    /// Admits an operation on a compartment as a place.
    async fn admit_place(
        &self,
        caller: &Caller,
        operation: Operation,
        compartment: &Ocid,
    ) -> Result<TenancyRecord, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        admin.admit(operation, Concern::of(compartment))?;
        Ok(admin.tenancy().clone())
    }

    /// The region that this server is.
    pub(crate) fn home_region(&self) -> Region {
        Region {
            key: self.settings.region_key().to_uppercase(),
            name: self.settings.region.clone(),
        }
    }

    fn availability_domain(&self) -> String {
        format!("prbk:{}-AD-1", self.home_region().key)
    }

    fn default_domain(&self, tenancy: &TenancyRecord) -> IdentityDomain {
        IdentityDomain {
            id: fixed_ocid("domain", tenancy.ocid.as_str()),
            compartment: tenancy.ocid.clone(),
            name: "Default".to_owned(),
            region: self.home_region(),
            time_created: tenancy.time_created,
        }
    }
}

/// The OCID of something that is not stored: always the same for the same `seed`.
fn fixed_ocid(kind: &str, seed: &str) -> Ocid {
    let mut bytes = [0; 35];
    bytes.copy_from_slice(&fixed_bytes(seed)[..35]);
    Ocid::new(kind, "", bytes)
}

/// The etag of something that never changes.
pub(crate) fn fixed_etag(id: &Ocid) -> ETag {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&fixed_bytes(id.as_str())[..16]);
    ETag::from_random(bytes)
}

fn fixed_bytes(seed: &str) -> [u8; 64] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, seed.as_bytes());
    let mut bytes = [0; 64];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}
