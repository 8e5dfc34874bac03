//! Identifiers that the server makes (wire reference section 10).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::names::ObjectName;

/// Text that is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct InvalidId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from 16 random bytes.
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// An id as it was stored.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes to store.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Parses the hyphenated form, in either case.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 36 {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
    };
}

uuid_id! {
    /// The entity tag of a bucket, object or part: new with every change, never a digest.
    ETag
}

uuid_id! {
    /// One version of an object.
    VersionId
}

impl VersionId {
    /// Makes an id from the time (milliseconds since 1970) and random bytes, so that younger ids compare greater (RFC 9562,
    /// version 7).
    pub fn new(millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// An id that is greater than this one, for when a fresh one is not: the time moves on a little, and the random end is
    /// that of `fresh`, so that no id is made twice. Both are of [`VersionId::new`].
    pub fn successor(&self, fresh: &Self) -> Self {
        const RANDOM_END: u128 = u64::MAX as u128;
        let head = self.0.as_u128() >> 64;
        // Milliseconds (48 bits), 4 bits that say version 7, 12 random bits, which here count on.
        let next = (((head >> 16) << 12) | (head & 0xfff)) + 1;
        let head = ((next >> 12) << 16) | 0x7000 | (next & 0xfff);
        Self(Uuid::from_u128(
            (head << 64) | (fresh.0.as_u128() & RANDOM_END),
        ))
    }

    /// Text such that greater ids come first in byte order: hexadecimal digits, so that no delimiter of a listing is found
    /// in it.
    pub fn descending_text(&self) -> String {
        format!("{:032x}", !self.0.as_u128())
    }
}

uuid_id! {
    /// A retention rule.
    RetentionRuleId
}

uuid_id! {
    /// A replication policy.
    ReplicationPolicyId
}

uuid_id! {
    /// Work that goes on behind a request.
    WorkRequestId
}

impl WorkRequestId {
    /// Makes an id from the time (milliseconds since 1970) and random bytes, so that younger ids sort later (RFC 9562,
    /// version 7).
    pub fn new(millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

uuid_id! {
    /// A multipart upload in progress.
    UploadId
}

uuid_id! {
    /// A bucket, whatever its name or compartment: what object keys hang on.
    BucketId
}

/// An Oracle Cloud identifier, `ocid1.<type>.<realm>.[region].<unique>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ocid(String);

impl Ocid {
    /// Makes an OCID of a type. `region` is empty for identity types. The unique part comes from 35 random bytes.
    pub fn new(kind: &str, region: &str, random: [u8; 35]) -> Self {
        let mut text = format!("ocid1.{kind}.oc1.{region}.aaaa");
        push_base32(&mut text, &random);
        Self(text)
    }

    /// Takes text of plausible shape: 1 to 255 bytes of `A-Z a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > 255 || !text.bytes().all(legal) {
            return Err(InvalidId);
        }
        Ok(Self(text.to_owned()))
    }

    /// The type, such as `user` or `compartment`; empty if the text has none.
    pub fn kind(&self) -> &str {
        self.0.split('.').nth(1).unwrap_or_default()
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ocid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Base32 in lower case without padding, five bytes to eight letters.
fn push_base32(text: &mut String, bytes: &[u8; 35]) {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0u64, |all, b| all << 8 | u64::from(*b));
        for shift in (0..8).rev() {
            text.push(char::from(LETTERS[(bits >> (shift * 5)) as usize & 31]));
        }
    }
}

/// The id of a pre-authenticated request: 48 bytes, of which the first six are its creation time in
/// milliseconds, so that ids sort by age. It is no secret and tells nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParId([u8; 48]);

impl ParId {
    /// Makes an id from the creation time (milliseconds since 1970) and random bytes.
    pub fn new(created_millis: u64, random: [u8; 42]) -> Self {
        let mut bytes = [0; 48];
        bytes[..6].copy_from_slice(&created_millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }

    /// An id as it was stored.
    pub fn from_bytes(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }

    /// Parses the form clients see: 64 characters of standard base64, for an object PAR followed by `:` and the
    /// object name, which is returned beside the id and must match the record's (wire reference 10.2).
    pub fn parse(text: &[u8]) -> Result<(Self, Option<ObjectName>), InvalidId> {
        let (id, object) = match text.split_at_checked(64) {
            Some((id, [])) => (id, None),
            Some((id, [b':', object @ ..])) => {
                (id, Some(ObjectName::parse(object).map_err(|_| InvalidId)?))
            }
            _ => return Err(InvalidId),
        };
        let mut bytes = [0; 48];
        match STANDARD.decode_slice(id, &mut bytes) {
            Ok(48) => Ok((Self(bytes), object)),
            _ => Err(InvalidId),
        }
    }

    /// The form clients see. `object` is the target of an object PAR, nothing for the others.
    pub fn to_text(self, object: Option<&ObjectName>) -> String {
        let mut text = STANDARD.encode(self.0);
        if let Some(object) = object {
            text.push(':');
            text.push_str(object.as_str());
        }
        text
    }
}

/// SHA-256 of a secret token: all that is ever stored of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ocids_have_a_unique_part_of_sixty_letters() {
        let ocid = Ocid::new("user", "", [0x5a; 35]);
        let unique = ocid.as_str().rsplit('.').next().unwrap();
        assert!(ocid.as_str().starts_with("ocid1.user.oc1..aaaa"));
        assert_eq!(unique.len(), 60);
        assert_eq!(ocid.kind(), "user");
    }

    #[test]
    fn a_par_id_survives_text_and_back() {
        let id = ParId::new(1_700_000_000_000, [0xfb; 42]);
        let object = ObjectName::parse(b"dir/a b:c.txt").unwrap();
        assert_eq!(ParId::parse(id.to_text(None).as_bytes()), Ok((id, None)));
        assert_eq!(
            ParId::parse(id.to_text(Some(&object)).as_bytes()),
            Ok((id, Some(object)))
        );
    }

    #[test]
    fn a_par_id_refuses_wrong_length_alphabet_and_suffix() {
        let good = ParId::new(1, [1; 42]).to_text(None);
        for bad in [
            &good[..63],
            &format!("{good}x"),
            &format!("{good}:"),
            &good.replace(&good[..1], "-"),
            "",
        ] {
            assert_eq!(ParId::parse(bad.as_bytes()), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn younger_par_ids_sort_later() {
        assert!(ParId::new(1, [0xff; 42]) < ParId::new(2, [0; 42]));
    }

    #[test]
    fn a_successor_is_greater_and_as_random_as_a_fresh_id() {
        let fresh = [VersionId::new(1, [7; 10]), VersionId::new(1, [8; 10])];
        for (millis, random) in [(2, [0; 10]), (2, [0xff; 10]), (0xffff, [0xff; 10])] {
            let last = VersionId::new(millis, random);
            let [one, two] = fresh.map(|fresh| last.successor(&fresh));
            assert!(last < one && last < two && one != two);
            let version_7 = one.to_string().split('-').nth(2).unwrap().starts_with('7');
            assert!(version_7, "{one}");
        }
    }

    #[test]
    fn younger_version_ids_are_greater_and_come_first_in_descending_text() {
        let (old, new) = (VersionId::new(1, [0xff; 10]), VersionId::new(2, [0; 10]));
        assert!(old < new);
        assert!(new.descending_text() < old.descending_text());
        let extremes = [[0; 16], [0xff; 16], [b'/'; 16]].map(VersionId::from_bytes);
        for text in extremes.map(|id| id.descending_text()) {
            assert!(text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn uuid_ids_parse_only_the_hyphenated_form() {
        let id = ETag::from_random([7; 16]);
        assert_eq!(ETag::parse(&id.to_string()), Ok(id));
        assert!(ETag::parse(&id.to_string().replace('-', "")).is_err());
    }
}
