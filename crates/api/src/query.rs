//! The query of a request target.

use std::borrow::Cow;

use parbuckle_engine::ErrorKind;
use parbuckle_model::{PageLimit, PageToken};

use crate::percent::{self, MalformedEscape};

/// Decoded parameters in order. Names nobody asks for do not matter (wire reference 2.2).
#[derive(Debug, Default)]
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// A query that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error(transparent)]
    MalformedEscape(#[from] MalformedEscape),
    #[error("the query is not valid UTF-8")]
    NotUtf8,
    #[error("the query parameter {0} stands more than once")]
    Repeated(&'static str),
}

impl<'a> Query<'a> {
    /// Splits at `&` and the first `=`, decodes both sides once, reads `+` as a blank.
    pub(crate) fn parse(raw: Option<&'a str>) -> Result<Self, QueryError> {
        let Some(raw) = raw else {
            return Ok(Self::default());
        };
        let items = raw.split('&').filter(|item| !item.is_empty());
        let pairs = items.map(|item| {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter. An empty value is none; a repeated parameter is refused.
    pub(crate) fn value(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        let mut found = self.0.iter().filter(|(n, _)| n == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(QueryError::Repeated(name)),
            (Some((_, value)), None) if !value.is_empty() => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// `limit` and `page` of a list.
    pub(crate) fn paging(&self) -> Result<(Option<PageToken>, PageLimit), ErrorKind> {
        let page = self.value("page")?.map(PageToken::parse).transpose();
        let page = page.map_err(|_| {
            ErrorKind::InvalidParameter("page is not a page token of this list".to_owned())
        })?;
        Ok((page, self.limit()?))
    }

    /// `limit` of a list.
    pub(crate) fn limit(&self) -> Result<PageLimit, ErrorKind> {
        let limit = self.value("limit")?.map(PageLimit::parse).transpose();
        let limit = limit.map_err(|error| ErrorKind::InvalidParameter(error.0))?;
        Ok(limit.unwrap_or_default())
    }
}

impl From<QueryError> for ErrorKind {
    fn from(error: QueryError) -> Self {
        Self::InvalidParameter(error.to_string())
    }
}

fn decode(raw: &str) -> Result<Cow<'_, str>, QueryError> {
    let spaced = if raw.contains('+') {
        Cow::Owned(raw.replace('+', " "))
    } else {
        Cow::Borrowed(raw)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| QueryError::NotUtf8);
    match spaced {
        Cow::Owned(owned) => Ok(Cow::Owned(text(percent::decode(&owned)?.into_owned())?)),
        Cow::Borrowed(raw) => match percent::decode(raw)? {
            Cow::Borrowed(_) => Ok(Cow::Borrowed(raw)),
            Cow::Owned(bytes) => Ok(Cow::Owned(text(bytes)?)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_plus_is_a_blank() {
        let query = Query::parse(Some("prefix=a%2Fb+c&fields=name%2Csize&x")).unwrap();
        assert_eq!(query.value("prefix"), Ok(Some("a/b c")));
        assert_eq!(query.value("fields"), Ok(Some("name,size")));
        assert_eq!(query.value("x"), Ok(None));
    }

    #[test]
    fn an_encoded_plus_stays_a_plus() {
        let query = Query::parse(Some("a=1%2B1")).unwrap();
        assert_eq!(query.value("a"), Ok(Some("1+1")));
    }

    #[test]
    fn an_empty_value_is_no_value() {
        assert_eq!(
            Query::parse(Some("prefix=&a=1")).unwrap().value("prefix"),
            Ok(None)
        );
    }

    #[test]
    fn only_a_parameter_that_is_asked_for_must_not_repeat() {
        let query = Query::parse(Some("a=1&b=2&b=3")).unwrap();
        assert_eq!(query.value("a"), Ok(Some("1")));
        assert_eq!(query.value("b"), Err(QueryError::Repeated("b")));
    }

    #[test]
    fn bad_escapes_and_bad_utf8_are_refused() {
        assert!(Query::parse(Some("a=%2")).is_err());
        assert!(matches!(
            Query::parse(Some("a=%ff")),
            Err(QueryError::NotUtf8)
        ));
    }
}
