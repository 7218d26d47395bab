//! The part of CloudFormation that needs no AWS: parameters, conditions and rules, and functions of what is known.
//!
//! What is known only once a resource exists stays as it is: `Ref` and `Fn::GetAtt` of resources, and texts with those in
//! them.

use super::sets::Parameters;
use serde_json::{Map, Value, json};

/// A template with the parameters it is evaluated for.
struct Evaluation<'a> {
    template: &'a Value,
    given: &'a Parameters,
}

/// Returns what CloudFormation would carry out: without what conditions take away, with parameters in their places.
pub(super) fn evaluate(template: &Value, given: &Parameters) -> Value {
    let evaluation = Evaluation { template, given };
    let mut evaluated = template.clone();
    for section in ["Resources", "Outputs"] {
        let entries = template[section].as_object().unwrap().iter();
        let kept =
            entries.filter(|(_, entry)| entry["Condition"].as_str().is_none_or(|name| evaluation.condition(name)));
        let kept = kept.map(|(name, entry)| (name.clone(), evaluation.value(entry).unwrap()));
        evaluated[section] = Value::Object(kept.collect());
    }
    evaluated
}

/// Returns what the template's rules say against these parameters; nothing when they may be used.
pub(super) fn refusals(template: &Value, given: &Parameters) -> Vec<String> {
    let evaluation = Evaluation { template, given };
    let rules = template["Rules"].as_object().unwrap().values();
    let apply = rules.filter(|rule| rule["RuleCondition"].is_null() || evaluation.holds(&rule["RuleCondition"]));
    let assertions = apply.flat_map(|rule| rule["Assertions"].as_array().unwrap());
    let broken = assertions.filter(|assertion| !evaluation.holds(&assertion["Assert"]));
    broken.map(|assertion| assertion["AssertDescription"].as_str().unwrap().to_owned()).collect()
}

impl Evaluation<'_> {
    fn condition(&self, name: &str) -> bool {
        let condition = &self.template["Conditions"][name];
        assert!(condition.is_object(), "there is no condition {name}");
        self.holds(condition)
    }

    /// Whether a condition, or the assertion of a rule, holds.
    fn holds(&self, condition: &Value) -> bool {
        let (function, of) = only(condition).unwrap_or_else(|| panic!("{condition} is no condition"));
        match function {
            "Condition" => self.condition(of.as_str().unwrap()),
            "Fn::Equals" => self.text(&of[0]) == self.text(&of[1]),
            "Fn::Not" => !self.holds(&of[0]),
            "Fn::And" => of.as_array().unwrap().iter().all(|part| self.holds(part)),
            "Fn::Or" => of.as_array().unwrap().iter().any(|part| self.holds(part)),
            "Fn::Contains" => of[0].as_array().unwrap().iter().any(|item| self.text(item) == self.text(&of[1])),
            other => panic!("{other} is not evaluated here"),
        }
    }

    /// What is compared: CloudFormation knows texts alone.
    fn text(&self, value: &Value) -> String {
        match self.value(value).unwrap() {
            Value::String(text) => text,
            Value::Object(fields) if fields.get("Ref") == Some(&json!("AWS::Region")) => "eu-central-1".to_owned(),
            other => other.to_string(),
        }
    }

    /// A value with all that is known put in; `None` for `AWS::NoValue`.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.value(item)).collect()),
            Value::Object(fields) => match only(value) {
                Some((function, of)) if function == "Ref" || function.starts_with("Fn::") => self.call(function, of),
                _ => {
                    let fields = fields.iter().filter(|(name, _)| *name != "Condition" || value["Type"].is_null());
                    let known = fields.filter_map(|(name, field)| Some((name.clone(), self.value(field)?)));
                    Some(Value::Object(known.collect()))
                }
            },
            plain => Some(plain.clone()),
        }
    }

    fn call(&self, function: &str, of: &Value) -> Option<Value> {
        let unknown = || Some(json!({ function: self.value(of) }));
        match function {
            "Ref" if of == "AWS::NoValue" => None,
            "Ref" => self.parameter(of.as_str().unwrap()).cloned().or_else(unknown),
            "Fn::If" => self.value(&of[if self.condition(of[0].as_str().unwrap()) { 1 } else { 2 }]),
            "Fn::Sub" => Some(self.substituted(of)),
            "Fn::Select" => match (of[0].as_u64(), self.value(&of[1])) {
                (Some(index), Some(Value::Array(items))) => items.into_iter().nth(usize::try_from(index).unwrap()),
                _ => unknown(),
            },
            "Fn::Split" => match (self.value(&of[0]), self.value(&of[1])) {
                (Some(Value::String(by)), Some(Value::String(text))) => Some(text.split(&by).collect()),
                _ => unknown(),
            },
            _ => unknown(),
        }
    }

    fn parameter(&self, name: &str) -> Option<&Value> {
        self.given.get(name).or_else(|| self.template["Parameters"].get(name).map(|declared| &declared["Default"]))
    }

    /// A text; in `Fn::Sub` as long as there is something in it that only a resource knows.
    fn substituted(&self, of: &Value) -> Value {
        let (text, own) = match of {
            Value::Array(parts) => (parts[0].as_str().unwrap(), self.value(&parts[1]).unwrap()),
            text => (text.as_str().unwrap(), json!({})),
        };
        let mut done = String::new();
        let mut left = Map::new();
        let mut pieces = text.split("${");
        done.push_str(pieces.next().unwrap());
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap();
            match own.get(name).or_else(|| self.parameter(name)) {
                Some(Value::String(text)) => done.push_str(text),
                Some(Value::Object(fields)) if fields.get("Fn::Sub").is_some_and(Value::is_string) => {
                    done.push_str(fields["Fn::Sub"].as_str().unwrap());
                }
                Some(other) if !other.is_object() => done.push_str(&other.to_string()),
                other => {
                    left.extend(other.map(|other| (name.to_owned(), other.clone())));
                    done.extend(["${", name, "}"]);
                }
            }
            done.push_str(rest);
        }
        match (done.contains("${"), left.is_empty()) {
            (false, _) => Value::String(done),
            (true, true) => json!({ "Fn::Sub": done }),
            (true, false) => json!({ "Fn::Sub": [done, left] }),
        }
    }
}

/// The name and the value of an object with one field.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object()?;
    let (name, of) = fields.iter().next()?;
    (fields.len() == 1).then_some((name, of))
}
