//! The stack, as CloudFormation will get it.
