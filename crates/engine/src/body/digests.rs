//! Digests over a body: MD5 always, others when asked for.

use aws_lc_rs::digest::{Context, SHA256, SHA384};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;

use super::{BodyChecks, ChecksumAlgorithm, Checksums, mismatch};
use crate::error::{Digest, Error};

/// Digests in the making.
pub(super) struct Digests {
    size: u64,
    md5: fast_md5::Md5,
    crc32c: Option<crc_fast::Digest>,
    sha256: Option<Context>,
    /// Not when it is taken only because the request's signature covers it.
    keeps_sha256: bool,
    sha384: Option<Context>,
}

/// Finished digests.
pub(super) struct Taken {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    /// Those that the client named or asked for: they are kept.
    pub(super) kept: Checksums,
    /// Of the body, also when it is not kept.
    sha256: Option<[u8; 32]>,
}

impl Digests {
    /// Those that the client names, what he asks for, and `besides`.
    pub(super) fn new(checks: &BodyChecks, besides: Option<ChecksumAlgorithm>) -> Self {
        let wants = |algorithm| [checks.compute, besides].contains(&Some(algorithm));
        let crc32c = checks.crc32c.is_some() || wants(ChecksumAlgorithm::Crc32c);
        let keeps_sha256 = checks.sha256.is_some() || wants(ChecksumAlgorithm::Sha256);
        let sha256 = keeps_sha256 || checks.signed_sha256.is_some();
        let sha384 = checks.sha384.is_some() || wants(ChecksumAlgorithm::Sha384);
        Self {
            size: 0,
            md5: fast_md5::Md5::new(),
            crc32c: crc32c.then(|| crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            sha256: sha256.then(|| Context::new(&SHA256)),
            keeps_sha256,
            sha384: sha384.then(|| Context::new(&SHA384)),
        }
    }

    pub(super) fn update(mut self, bytes: &[u8]) -> Self {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        if let Some(crc) = &mut self.crc32c {
            crc.update(bytes);
        }
        for context in [&mut self.sha256, &mut self.sha384].into_iter().flatten() {
            context.update(bytes);
        }
        self
    }

    pub(super) fn finish(self) -> Taken {
        let sha256 = self.sha256.map(fixed);
        let kept = Checksums {
            crc32c: self.crc32c.map(|crc| crc.finalize() as u32),
            sha256: sha256.filter(|_| self.keeps_sha256),
            sha384: self.sha384.map(fixed),
            of_parts: false,
        };
        Taken {
            size: self.size,
            md5: self.md5.finalize(),
            kept,
            sha256,
        }
    }
}

impl Taken {
    /// Compares with what the client said.
    pub(super) fn check(&self, checks: &BodyChecks) -> Result<(), Error> {
        differs(
            Digest::Md5,
            "Content-MD5",
            checks.md5.as_ref(),
            Some(&self.md5),
        )?;
        let crc = |v: u32| v.to_be_bytes();
        let (given, computed) = (checks.crc32c.map(crc), self.kept.crc32c.map(crc));
        differs(
            Digest::Crc32c,
            "opc-content-crc32c",
            given.as_ref(),
            computed.as_ref(),
        )?;
        differs(
            Digest::Sha256,
            "opc-content-sha256",
            checks.sha256.as_ref(),
            self.sha256.as_ref(),
        )?;
        differs(
            Digest::Sha384,
            "opc-content-sha384",
            checks.sha384.as_ref(),
            self.kept.sha384.as_ref(),
        )?;
        differs(
            Digest::Sha256,
            "x-content-sha256",
            checks.signed_sha256.as_ref(),
            self.sha256.as_ref(),
        )
    }
}

fn differs<const N: usize>(
    digest: Digest,
    header: &'static str,
    given: Option<&[u8; N]>,
    computed: Option<&[u8; N]>,
) -> Result<(), Error> {
    match (given, computed) {
        (Some(given), Some(computed)) if given != computed => Err(mismatch(
            digest,
            header,
            STANDARD.encode(computed),
            STANDARD.encode(given),
        )),
        _ => Ok(()),
    }
}

fn fixed<const N: usize>(context: Context) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}
