//! From text to statement (wire reference 12.4). Whatever is not enforced here is refused here.

use super::condition::parse_condition;
use super::cursor::{Cursor, ParseError};
use super::statement::{Effect, Grant, GroupRef, Location, Statement, Subject};
use crate::permission::{Permission, Resource, Verb};

impl Statement {
    /// Reads a statement. Keywords, verbs, types, permissions and variables in any case; white
    /// space and line breaks are free.
    ///
    /// Errors: the grammar is not met, or the statement uses something that is not enforced, such
    /// as an unknown variable, type or permission, or `define`, `endorse` and `admit`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(text);
        let effect = effect(&mut cursor)?;
        let subject = subject(&mut cursor)?;
        cursor.expect_keyword("to")?;
        let grant = grant(&mut cursor)?;
        cursor.expect_keyword("in")?;
        let location = location(&mut cursor)?;
        let condition = if cursor.take_keyword("where") {
            Some(parse_condition(&mut cursor)?)
        } else {
            None
        };
        if !cursor.is_at_end() {
            let expected = if condition.is_some() {
                "expected the end"
            } else {
                "expected `where` or the end"
            };
            return Err(cursor.error(format!("{expected} of the statement")));
        }
        Ok(Self {
            effect,
            subject,
            grant,
            location,
            condition,
        })
    }
}

fn effect(cursor: &mut Cursor<'_>) -> Result<Effect, ParseError> {
    let effect = if cursor.take_keyword("allow") {
        Effect::Allow
    } else if cursor.take_keyword("deny") {
        Effect::Deny
    } else {
        refuse_cross_tenancy(cursor)?;
        return Err(cursor.error("expected `Allow` or `Deny`"));
    };
    refuse_cross_tenancy(cursor)?;
    Ok(effect)
}

fn refuse_cross_tenancy(cursor: &Cursor<'_>) -> Result<(), ParseError> {
    let word = cursor.peek_word().to_ascii_lowercase();
    match word.as_str() {
        "define" | "endorse" | "admit" => Err(cursor.error(format!(
            "`{word}` statements (access between tenancies) are not supported"
        ))),
        _ => Ok(()),
    }
}

fn subject(cursor: &mut Cursor<'_>) -> Result<Subject, ParseError> {
    let start = cursor.offset();
    let word = cursor
        .word("a subject, such as `group`")?
        .to_ascii_lowercase();
    match word.as_str() {
        "group" => Ok(Subject::Groups(cursor.list(group)?)),
        "dynamic-group" => Ok(Subject::DynamicGroups(cursor.list(group)?)),
        "any-user" => Ok(Subject::AnyUser),
        "any-group" => Ok(Subject::AnyGroup),
        "service" => Ok(Subject::Services(
            cursor.list(|cursor| cursor.name("a service's name"))?,
        )),
        "resource" => Err(cursor.error_at(start, "`resource` subjects are not supported")),
        _ => Err(cursor.error_at(
            start,
            "expected `group`, `dynamic-group`, `any-user`, `any-group` or `service`",
        )),
    }
}

fn group(cursor: &mut Cursor<'_>) -> Result<GroupRef, ParseError> {
    if let Some(id) = take_id(cursor)? {
        return Ok(GroupRef::Id(id));
    }
    let first = cursor.name("a group's name")?;
    if cursor.take("/") {
        let name = cursor.name("a group's name")?;
        return Ok(GroupRef::Name {
            domain: Some(first),
            name,
        });
    }
    Ok(GroupRef::Name {
        domain: None,
        name: first,
    })
}

/// Takes `id <ocid>`. A group or compartment that is called `id` has to be quoted.
fn take_id(cursor: &mut Cursor<'_>) -> Result<Option<String>, ParseError> {
    if cursor.take_keyword("id") {
        cursor.name("an OCID").map(Some)
    } else {
        Ok(None)
    }
}

fn grant(cursor: &mut Cursor<'_>) -> Result<Grant, ParseError> {
    if cursor.take("{") {
        return permission_list(cursor);
    }
    let start = cursor.offset();
    let word = cursor.word("a verb or `{`")?;
    let Some(verb) = Verb::parse(word) else {
        let message = "expected `inspect`, `read`, `use`, `manage` or `{`";
        return Err(cursor.error_at(start, message));
    };
    Ok(Grant::Verb {
        verb,
        resource: resource(cursor)?,
    })
}

fn permission_list(cursor: &mut Cursor<'_>) -> Result<Grant, ParseError> {
    let mut list: Vec<Permission> = Vec::new();
    for permission in cursor.list(permission)? {
        if !list.contains(&permission) {
            list.push(permission);
        }
    }
    cursor.expect("}")?;
    if cursor.peek_word().eq_ignore_ascii_case("in") {
        return Ok(Grant::Permissions {
            list,
            resource: None,
        });
    }
    let start = cursor.offset();
    let resource = resource(cursor)?;
    match list
        .iter()
        .find(|permission| !resource.permissions().contains(**permission))
    {
        None => Ok(Grant::Permissions {
            list,
            resource: Some(resource),
        }),
        Some(stranger) => {
            Err(cursor.error_at(start, format!("{stranger} is no permission of {resource}")))
        }
    }
}

fn permission(cursor: &mut Cursor<'_>) -> Result<Permission, ParseError> {
    let start = cursor.offset();
    let word = cursor.word("the name of a permission")?;
    Permission::parse(word).ok_or_else(|| cursor.error_at(start, "unknown permission"))
}

fn resource(cursor: &mut Cursor<'_>) -> Result<Resource, ParseError> {
    let start = cursor.offset();
    let word = cursor.word("a resource type")?;
    Resource::parse(word).ok_or_else(|| cursor.error_at(start, "unknown resource type"))
}

fn location(cursor: &mut Cursor<'_>) -> Result<Location, ParseError> {
    if cursor.take_keyword("tenancy") {
        return Ok(Location::Tenancy);
    }
    if !cursor.take_keyword("compartment") {
        return Err(cursor.error("expected `tenancy` or `compartment`"));
    }
    if let Some(id) = take_id(cursor)? {
        return Ok(Location::Id(id));
    }
    let mut names = vec![cursor.name("a compartment's name")?];
    while cursor.take(":") {
        names.push(cursor.name("a compartment's name")?);
    }
    Ok(Location::Path(names))
}
