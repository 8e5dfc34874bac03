//! What holds for every policy and every request.

use parbuckle_iam::policy::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate::{Question, attached_statements, questions, statements};
use crate::naive;
use crate::world::{ADMINISTRATORS, TENANCY};

fn compile(statements: &[AttachedStatement]) -> PolicySet {
    PolicySet::compile(TENANCY, Some(ADMINISTRATORS), statements.to_vec())
}

fn is_allowed(statements: &[AttachedStatement], question: &Question) -> bool {
    let set = compile(statements);
    question
        .ask(|principal, request| set.evaluate(principal, request))
        .is_allowed()
}

/// The texts of a name are never both kinds of quotes at once: no statement could write it.
fn is_writable(statement: &Statement) -> bool {
    let debug = format!("{statement:?}");
    !debug
        .split(", ")
        .any(|part| part.contains('\'') && part.contains("\\\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_printed_statement_parses_to_the_same_statement(statement in statements()) {
        prop_assume!(is_writable(&statement));
        let text = statement.to_string();
        prop_assert_eq!(Statement::parse(&text), Ok(statement), "{}", text);
    }

    #[test]
    fn the_compiled_and_the_naive_evaluator_agree(
        statements in vec(attached_statements(), 0..12),
        questions in vec(questions(), 8),
    ) {
        let set = compile(&statements);
        for question in questions {
            let (compiled, naive) = question.ask(|principal, request| {
                let naive = naive::is_allowed(&statements, TENANCY, ADMINISTRATORS, principal, request);
                (set.evaluate(principal, request).is_allowed(), naive)
            });
            prop_assert_eq!(compiled, naive, "{:?}", question);
        }
    }

    #[test]
    fn adding_an_allow_never_removes_and_adding_a_deny_never_adds(
        mut statements in vec(attached_statements(), 0..12),
        added in attached_statements(),
        questions in vec(questions(), 8),
    ) {
        let before: Vec<bool> = questions.iter().map(|question| is_allowed(&statements, question)).collect();
        let effect = added.resolved.statement.effect;
        statements.push(added);
        for (question, before) in questions.iter().zip(before) {
            let after = is_allowed(&statements, question);
            match effect {
                Effect::Allow => prop_assert!(after || !before),
                Effect::Deny => prop_assert!(before || !after),
            }
        }
    }

    #[test]
    fn an_explanation_has_the_decision_and_a_reason_for_each_near_miss(
        statements in vec(attached_statements(), 0..12),
        question in questions(),
    ) {
        let set = compile(&statements);
        question.ask(|principal, request| {
            let explanation = set.explain(principal, request);
            prop_assert_eq!(explanation.decision, set.evaluate(principal, request));
            prop_assert!(explanation.near_misses.iter().all(|near| !near.reasons.is_empty()));
            Ok(())
        })?;
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        start in "(Allow|deny|x)? ?(group|any-user)? ?[a-z'/]{0,4} ?(to)? ?(read|\\{)? ?",
        rest in ".{0,60}",
    ) {
        let _ = Statement::parse(&format!("{start}{rest}"));
        let condition = format!("Allow any-user to read objects in tenancy where {rest}");
        let _ = Statement::parse(&condition);
    }
}

/// The generators are only worth something if both answers are frequent.
#[test]
fn generated_questions_are_both_allowed_and_denied() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut allowed = 0;
    for _ in 0..300 {
        let statements = vec(attached_statements(), 12)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let question = questions().new_tree(&mut runner).unwrap().current();
        allowed += u32::from(is_allowed(&statements, &question));
    }
    assert!((45..255).contains(&allowed), "{allowed} of 300 are allowed");
}
