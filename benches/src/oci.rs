//! The set-up calls: a signed native API client for one server, as small as the benchmarks allow.

mod identity;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::Result;
use crate::reply::{ReplyReader, header};

/// Everything but RFC 3986 unreserved characters, as the Python SDK sends names (wire reference 2.2).
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A PAR needs an expiry, and any far future will do (wire reference 4.4).
const EXPIRES: &str = "2099-01-01T00:00:00Z";
const IO_TIMEOUT: Duration = Duration::from_secs(60);

/// The tenancy's administrator, made by the server on its first start.
pub(crate) struct Admin {
    addr: SocketAddr,
    namespace: String,
    compartment: String,
    key_id: String,
    key: KeyPair,
}

/// The documented kinds of PAR that the benchmarks use (wire reference 7.2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access<'a> {
    ObjectRead(&'a str),
    AnyObjectWrite,
    /// Reads of the whole bucket, with listing.
    AnyObjectReadAndList,
}

/// A whole reply, read at leisure.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    date: String,
}

impl Admin {
    /// Reads `admin/bootstrap.json` and `admin/config` of a data folder whose server listens on `addr`.
    pub(crate) fn load(data: &Path, addr: SocketAddr) -> Result<Self> {
        let folder = data.join("admin");
        let bootstrap: Value = serde_json::from_slice(&fs::read(folder.join("bootstrap.json"))?)?;
        let text = |key: &str| -> Result<String> {
            Ok(bootstrap[key]
                .as_str()
                .ok_or_else(|| format!("bootstrap.json has no {key}"))?
                .to_owned())
        };
        let config = fs::read_to_string(folder.join("config"))?;
        let setting = |key: &str| -> Result<&str> {
            let mut lines = config.lines().filter_map(|line| line.split_once('='));
            let found = lines.find(|(name, _)| name.trim() == key);
            Ok(found
                .ok_or_else(|| format!("admin/config has no {key}"))?
                .1
                .trim())
        };
        let key_id = format!(
            "{}/{}/{}",
            setting("tenancy")?,
            setting("user")?,
            setting("fingerprint")?
        );
        let key = key_pair(&fs::read_to_string(folder.join(setting("key_file")?))?)?;
        Ok(Self {
            addr,
            namespace: text("namespace")?,
            compartment: text("compartment_ocid")?,
            key_id,
            key,
        })
    }

    /// Creates a bucket.
    pub(crate) fn create_bucket(&self, bucket: &str) -> Result<()> {
        let details = json!({"name": bucket, "compartmentId": self.compartment});
        self.post(&format!("/n/{}/b", self.namespace), &details)
            .map(|_| ())
    }

    /// Uploads an object.
    pub(crate) fn put_object(&self, bucket: &str, object: &str, content: &[u8]) -> Result<()> {
        self.call("put", &self.object_path(bucket, object), content)
            .map(|_| ())
    }

    /// Downloads an object.
    pub(crate) fn object(&self, bucket: &str, object: &str) -> Result<Vec<u8>> {
        self.call("get", &self.object_path(bucket, object), &[])
            .map(|answer| answer.body)
    }

    /// Deletes an object.
    pub(crate) fn delete_object(&self, bucket: &str, object: &str) -> Result<()> {
        self.call("delete", &self.object_path(bucket, object), &[])
            .map(|_| ())
    }

    /// Creates a PAR and gives its access URI, a path.
    pub(crate) fn create_par(&self, bucket: &str, access: Access) -> Result<String> {
        let answer = self.post(&self.par_path(bucket), &par_details(access))?;
        access_uri(&answer.body)
    }

    /// The bytes of a signed request that creates a PAR. They may be sent many times while the date is within the
    /// server's skew: each time makes another PAR (wire reference 1, point 4).
    pub(crate) fn create_par_request(&self, bucket: &str, access: Access) -> Result<Vec<u8>> {
        let body = par_details(access).to_string().into_bytes();
        let mut request = self.signed("post", &self.par_path(bucket), &body)?;
        request.extend_from_slice(&body);
        Ok(request)
    }

    fn par_path(&self, bucket: &str) -> String {
        format!("/n/{}/b/{bucket}/p", self.namespace)
    }

    fn object_path(&self, bucket: &str, object: &str) -> String {
        format!(
            "/n/{}/b/{bucket}/o/{}",
            self.namespace,
            utf8_percent_encode(object, NAME)
        )
    }

    fn post(&self, path: &str, details: &Value) -> Result<Answer> {
        self.call("post", path, details.to_string().as_bytes())
    }

    fn call(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        let answer = exchange(self.addr, &self.signed(method, path, body)?, body)?;
        match answer.status {
            200 | 204 => Ok(answer),
            status => Err(format!(
                "{method} {path}: {status} {}",
                String::from_utf8_lossy(&answer.body)
            )
            .into()),
        }
    }

    /// The head of a signed request (wire reference 6.2, 6.3). The date is the server's own, so that this program
    /// needs no clock.
    fn signed(&self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let host = self.addr.to_string();
        let date = exchange(
            self.addr,
            format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes(),
            &[],
        )?
        .date;
        let mut signed = vec![
            ("date", date),
            ("(request-target)", format!("{method} {path}")),
            ("host", host),
        ];
        if method == "post" {
            signed.push(("content-length", body.len().to_string()));
            signed.push(("content-type", "application/json".to_owned()));
            signed.push(("x-content-sha256", BASE64.encode(digest(&SHA256, body))));
        }
        let text = join(&signed, "\n", |(name, value)| format!("{name}: {value}"));
        let names = join(&signed, " ", |(name, _)| (*name).to_owned());
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "signing failed")?;
        let mut head = format!("{} {path} HTTP/1.1\r\n", method.to_uppercase());
        for (name, value) in signed.iter().filter(|(name, _)| !name.starts_with('(')) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "put" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str(&format!(
            "authorization: Signature version=\"1\",keyId=\"{}\",algorithm=\"rsa-sha256\",headers=\"{names}\",signature=\"{}\"\r\n\r\n",
            self.key_id,
            BASE64.encode(signature)
        ));
        Ok(head.into_bytes())
    }
}

/// The `accessUri` in the answer to a PAR's creation.
pub(crate) fn access_uri(body: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(body)?;
    Ok(answer["accessUri"]
        .as_str()
        .ok_or("a PAR without accessUri")?
        .to_owned())
}

/// Fetches a path without credentials; any status but 200 is an error.
pub(crate) fn fetch(addr: SocketAddr, target: &str) -> Result<Vec<u8>> {
    let answer = exchange(
        addr,
        format!("GET {target} HTTP/1.1\r\nhost: {addr}\r\n\r\n").as_bytes(),
        &[],
    )?;
    match answer.status {
        200 => Ok(answer.body),
        status => Err(format!(
            "GET from {addr}: {status} {}",
            String::from_utf8_lossy(&answer.body)
        )
        .into()),
    }
}

/// One request and its whole reply on a connection of its own.
fn exchange(addr: SocketAddr, head: &[u8], body: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IO_TIMEOUT))?;
    stream.set_write_timeout(Some(IO_TIMEOUT))?;
    stream.write_all(head)?;
    stream.write_all(body)?;
    let mut reader = ReplyReader::new(true);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(format!("{addr} closed the connection before its reply was whole").into());
        }
        if let Some((_, reply)) = reader.feed(&buffer[..read])? {
            let (head, body) = reader.kept();
            let date = header(head, "date")
                .ok_or("a reply without date")?
                .to_owned();
            return Ok(Answer {
                status: reply.status,
                body: body.to_vec(),
                date,
            });
        }
    }
}

fn par_details(access: Access) -> Value {
    let mut details = json!({"name": "bench", "timeExpires": EXPIRES});
    match access {
        Access::ObjectRead(object) => {
            details["accessType"] = json!("ObjectRead");
            details["objectName"] = json!(object);
        }
        Access::AnyObjectWrite => details["accessType"] = json!("AnyObjectWrite"),
        Access::AnyObjectReadAndList => {
            details["accessType"] = json!("AnyObjectRead");
            details["bucketListingAction"] = json!("ListObjects");
        }
    }
    details
}

/// The key in a PEM file, PKCS#8 or PKCS#1; text after its end (the CLI's label line) is ignored.
fn key_pair(pem: &str) -> Result<KeyPair> {
    let begin = pem
        .lines()
        .position(|line| line.starts_with("-----BEGIN "))
        .ok_or("the key file is not PEM")?;
    let pkcs1 = pem
        .lines()
        .nth(begin)
        .is_some_and(|line| line.contains("RSA PRIVATE KEY"));
    let body: String = pem
        .lines()
        .skip(begin + 1)
        .take_while(|line| !line.starts_with("-----END "))
        .collect();
    let der = BASE64.decode(body)?;
    let key = if pkcs1 {
        KeyPair::from_der(&der)
    } else {
        KeyPair::from_pkcs8(&der)
    };
    key.map_err(|error| format!("the admin key is unusable: {error}").into())
}

fn join<T>(items: &[T], separator: &str, text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(separator)
}
