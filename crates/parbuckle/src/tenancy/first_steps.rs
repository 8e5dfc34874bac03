//! What a newcomer is told after the first start.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

/// How long the link of the first steps is good for.
const FIRST_LINK_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The three commands to try after a first start, to be pasted into a shell.
pub(super) fn first_steps(
    config: &Path,
    endpoint: &str,
    compartment: &str,
    now: Timestamp,
) -> String {
    let oci = format!(
        "oci --config-file {} --endpoint {endpoint}",
        quoted(&config.display().to_string())
    );
    // Past the last year of the calendar there is no clock left to compare with.
    let expires = now.checked_add(FIRST_LINK_LIFE).unwrap_or(Timestamp::MAX);
    let private_ca = if endpoint.starts_with("https:") {
        "# With a certificate of your own authority add --cert-bundle FILE to oci and --cacert FILE to curl.\n"
    } else {
        ""
    };
    format!(
        "# A tenancy was made for you. Next: make a bucket, make a link to it, use the link.\n{private_ca}\
         {oci} os bucket create --compartment-id {compartment} --name first\n\
         LINK=$({oci} os preauth-request create --bucket-name first --name try-it --access-type AnyObjectReadWrite \
         --time-expires {expires:.0} --query 'data.\"full-path\"' --raw-output)\n\
         curl -X PUT --data-binary 'Hello from a link' \"${{LINK}}hello.txt\" && curl \"${{LINK}}hello.txt\"\n"
    )
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_shell_commands_with_real_values() {
        let now = "2026-11-21T21:17:26.5Z".parse().unwrap();
        let steps = first_steps(
            Path::new("/srv/it's here/admin/config"),
            "http://127.0.0.1:9085",
            "ocid1.tenancy.x",
            now,
        );
        insta::assert_snapshot!(steps, @r#"
        # A tenancy was made for you. Next: make a bucket, make a link to it, use the link.
        oci --config-file '/srv/it'\''s here/admin/config' --endpoint http://127.0.0.1:9085 os bucket create --compartment-id ocid1.tenancy.x --name first
        LINK=$(oci --config-file '/srv/it'\''s here/admin/config' --endpoint http://127.0.0.1:9085 os preauth-request create --bucket-name first --name try-it --access-type AnyObjectReadWrite --time-expires 2026-11-28T21:17:26Z --query 'data."full-path"' --raw-output)
        curl -X PUT --data-binary 'Hello from a link' "${LINK}hello.txt" && curl "${LINK}hello.txt"
        "#);
    }
}
