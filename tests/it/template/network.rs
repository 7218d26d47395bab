//! Who reaches whom.

use super::{FUNCTIONS, Stack, functions_with_database};
use serde_json::{Value, json};
use shared::outbound::LONGEST_CALL;

#[test]
fn the_database_is_reached_from_the_functions_alone() {
    let Some(stack) = Stack::transformed() else { return };
    let database = stack.properties("Database");
    assert_eq!(database["VPCSecurityGroups"], json!([{ "Ref": "DatabaseSecurityGroup" }]));

    let rules = stack.of_type("AWS::EC2::SecurityGroupIngress");

    assert_eq!(rules.len(), 1, "{rules:?}");
    let rule = stack.properties(rules[0]);
    let port = json!([rule["IpProtocol"], rule["FromPort"], rule["ToPort"]]);
    assert_eq!(port, json!(["tcp", 5432, 5432]));
    assert_eq!(group(&rule["GroupId"]), "DatabaseSecurityGroup");
    assert_eq!(group(&rule["SourceSecurityGroupId"]), "FunctionSecurityGroup");
    for name in stack.of_type("AWS::EC2::SecurityGroup") {
        assert_eq!(stack.properties(name)["SecurityGroupIngress"], Value::Null, "{name} lets something in");
    }
}

#[test]
fn every_function_but_the_way_out_is_in_the_network_and_in_its_group() {
    let Some(stack) = Stack::transformed() else { return };

    assert_eq!(stack.of_type("AWS::Lambda::Function").len(), FUNCTIONS.len());
    for (_, function) in functions_with_database() {
        let network = &stack.properties(function)["VpcConfig"];

        assert_eq!(network["SecurityGroupIds"], json!([{ "Ref": "FunctionSecurityGroup" }]), "{function}");
        assert_eq!(network["SubnetIds"], json!([{ "Ref": "FunctionSubnetA" }, { "Ref": "FunctionSubnetB" }]));
        assert_eq!(network["Ipv6AllowedForDualStack"], true, "{function}");
    }
}

/// Whatever it is made to call, the database and its network are not among it.
#[test]
fn the_way_out_is_outside_of_the_network_and_is_told_nothing_of_the_database() {
    let Some(stack) = Stack::transformed() else { return };

    let outbound = stack.properties("OutboundFunction");

    assert_eq!(outbound["VpcConfig"], Value::Null);
    let variables = outbound["Environment"]["Variables"].as_object().unwrap();
    for name in variables.keys() {
        assert!(!name.starts_with("DATABASE_") && !name.contains("SECRET"), "{name}");
    }
    let timeout = outbound["Timeout"].as_u64().unwrap();
    assert!(timeout > LONGEST_CALL.as_secs(), "{timeout} s");
}

#[test]
fn there_is_no_gateway_that_costs_or_lets_in() {
    let Some(stack) = Stack::transformed() else { return };

    for kind in ["AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment"]
    {
        assert_eq!(stack.of_type(kind), [""; 0], "{kind}");
    }
    assert_eq!(stack.of_type("AWS::EC2::EgressOnlyInternetGateway").len(), 1);
    for name in stack.of_type("AWS::EC2::Subnet") {
        assert_ne!(stack.properties(name)["MapPublicIpOnLaunch"], true, "{name}");
    }
}

#[test]
fn the_functions_have_a_way_to_aws_and_to_s3() {
    let Some(stack) = Stack::transformed() else { return };

    let route = stack.properties("Ipv6Route");
    let endpoint = stack.properties("S3Endpoint");

    assert_eq!(route["DestinationIpv6CidrBlock"], "::/0");
    assert_eq!(route["RouteTableId"], json!({ "Ref": "FunctionRouteTable" }));
    assert_eq!(endpoint["VpcEndpointType"], "Gateway");
    assert_eq!(endpoint["RouteTableIds"], json!([{ "Ref": "FunctionRouteTable" }]));
    let associated: Vec<&Value> = stack
        .of_type("AWS::EC2::SubnetRouteTableAssociation")
        .into_iter()
        .map(|name| &stack.properties(name)["SubnetId"]["Ref"])
        .collect();
    assert_eq!(associated, ["FunctionSubnetA", "FunctionSubnetB"]);
}

#[test]
fn everything_that_reaches_the_http_api_goes_to_the_router() {
    let Some(stack) = Stack::transformed() else { return };

    let integration = stack.properties("ApiIntegration");
    let routes = stack.of_type("AWS::ApiGatewayV2::Route");

    assert_eq!(integration["IntegrationUri"], json!({ "Fn::GetAtt": ["ApiFunction", "Arn"] }));
    assert_eq!(integration["PayloadFormatVersion"], "2.0");
    assert_eq!(routes.len(), 1);
    assert_eq!(stack.properties(routes[0])["RouteKey"], "$default");
    // The function answers, or is ended, before the gateway gives up on it.
    let timeout = stack.properties("ApiFunction")["Timeout"].as_u64().unwrap();
    assert!(timeout * 1000 < integration["TimeoutInMillis"].as_u64().unwrap());
    let throttle = &stack.properties("ApiStage")["DefaultRouteSettings"];
    assert!(throttle["ThrottlingRateLimit"].is_u64() && throttle["ThrottlingBurstLimit"].is_u64(), "{throttle}");
}

/// The security group that a value refers to, in either of the two ways that give its id.
fn group(value: &Value) -> &str {
    value["Ref"].as_str().or(value["Fn::GetAtt"][0].as_str()).unwrap()
}
