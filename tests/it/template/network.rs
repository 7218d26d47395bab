//! Who reaches whom.

use super::{FUNCTIONS, Stack, functions_with_database};
use serde_json::{Value, json};
use shared::outbound::LONGEST_CALL;

#[test]
fn the_database_is_reached_from_the_functions_alone() {
    for stack in Stack::all() {
        let group_of_database = match stack.0 {
            "existing" => json!("sg-0123456789abcdef0"),
            _ => json!({ "Ref": "DatabaseSecurityGroup" }),
        };
        for (name, property) in [("Database", "VPCSecurityGroups"), ("Cluster", "VpcSecurityGroupIds")] {
            if stack.resources().any(|(resource, _)| resource == name) {
                assert_eq!(stack.properties(name)[property], json!([group_of_database]));
            }
        }

        let rules = stack.of_type("AWS::EC2::SecurityGroupIngress");

        assert_eq!(rules.len(), 1, "{rules:?}");
        let rule = stack.properties(rules[0]);
        let port = json!([rule["IpProtocol"], rule["FromPort"], rule["ToPort"]]);
        assert_eq!(port, json!(["tcp", 5432, 5432]));
        assert_eq!(rule["GroupId"], group_of_database, "{}", stack.0);
        assert_eq!(rule["SourceSecurityGroupId"], json!({ "Ref": "FunctionSecurityGroup" }));
        let out = &stack.properties("FunctionSecurityGroup")["SecurityGroupEgress"][0];
        assert_eq!((&out["DestinationSecurityGroupId"], &out["FromPort"]), (&group_of_database, &json!(5432)));
        for name in stack.of_type("AWS::EC2::SecurityGroup") {
            assert_eq!(stack.properties(name)["SecurityGroupIngress"], Value::Null, "{name} lets something in");
        }
    }
}

#[test]
fn every_function_with_a_database_is_in_its_network() {
    for stack in Stack::all() {
        let subnets = match stack.0 {
            "existing" => json!(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]),
            _ => json!([{ "Ref": "FunctionSubnetA" }, { "Ref": "FunctionSubnetB" }]),
        };

        assert_eq!(stack.of_type("AWS::Lambda::Function").len(), FUNCTIONS.len());
        for (_, function) in functions_with_database() {
            let network = &stack.properties(function)["VpcConfig"];

            assert_eq!(network["SecurityGroupIds"], json!([{ "Ref": "FunctionSecurityGroup" }]), "{function}");
            assert_eq!(network["SubnetIds"], subnets, "{}: {function}", stack.0);
            // Lambda refuses it where a subnet has no IPv6.
            assert_eq!(network["Ipv6AllowedForDualStack"], !["existing", "nat"].contains(&stack.0), "{function}");
        }
    }
}

/// Whatever it is made to call, the database and its network are not among it.
#[test]
fn what_is_outside_of_the_network_is_told_nothing_of_the_database() {
    let Some(stack) = Stack::guided() else { return };

    for function in ["OutboundFunction", "SmokeFunction"] {
        let outside = stack.properties(function);

        assert_eq!(outside["VpcConfig"], Value::Null, "{function}");
        let variables = outside["Environment"]["Variables"].as_object().unwrap();
        for name in variables.keys() {
            assert!(!name.starts_with("DATABASE_") && !name.contains("SECRET"), "{function}: {name}");
        }
    }
    let timeout = stack.properties("OutboundFunction")["Timeout"].as_u64().unwrap();
    assert!(timeout > LONGEST_CALL.as_secs(), "{timeout} s");
}

#[test]
fn a_gateway_that_costs_is_made_for_whoever_asks() {
    for stack in Stack::all() {
        let asked = usize::from(stack.0 == "nat");

        for kind in
            ["AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment"]
        {
            assert_eq!(stack.of_type(kind).len(), asked, "{}: {kind}", stack.0);
        }
        let free = usize::from(!["existing", "nat"].contains(&stack.0));
        assert_eq!(stack.of_type("AWS::EC2::EgressOnlyInternetGateway").len(), free, "{}", stack.0);
    }
}

/// The way in to the NAT gateway is the way out of the functions, and of nothing else.
#[test]
fn functions_leave_through_the_nat_gateway_and_the_database_does_not() {
    let Some(stack) = Stack::of("nat") else { return };

    let route = stack.properties("NatRoute");

    assert_eq!(route["DestinationCidrBlock"], "0.0.0.0/0");
    assert_eq!(route["NatGatewayId"], json!({ "Ref": "NatGateway" }));
    assert_eq!(route["RouteTableId"], json!({ "Ref": "FunctionRouteTable" }));
    let open = stack.properties("InternetRoute")["RouteTableId"].clone();
    for name in stack.of_type("AWS::EC2::SubnetRouteTableAssociation") {
        let association = stack.properties(name);
        let is_nat = association["SubnetId"]["Ref"] == "NatSubnet";
        assert_eq!(association["RouteTableId"] == open, is_nat, "{name}");
        assert!(!association["SubnetId"]["Ref"].as_str().unwrap().starts_with("Database"), "{name}");
    }
}

/// What is there already stays as it is: it gets one rule, and the functions get a group of their own.
#[test]
fn an_existing_network_is_not_added_to() {
    let Some(stack) = Stack::of("existing") else { return };

    let network: Vec<&str> = stack
        .resources()
        .filter(|(_, resource)| resource["Type"].as_str().unwrap().starts_with("AWS::EC2::"))
        .map(|(name, _)| name)
        .collect();

    assert_eq!(network, ["DatabaseIngress", "FunctionSecurityGroup"]);
    assert_eq!(stack.properties("FunctionSecurityGroup")["VpcId"], "vpc-0123456789abcdef0");
}

#[test]
fn the_functions_have_a_way_to_aws_and_to_s3() {
    for stack in Stack::all().into_iter().filter(|stack| stack.0 != "existing") {
        let endpoint = stack.properties("S3Endpoint");

        if stack.0 != "nat" {
            let route = stack.properties("Ipv6Route");
            assert_eq!(route["DestinationIpv6CidrBlock"], "::/0");
            assert_eq!(route["RouteTableId"], json!({ "Ref": "FunctionRouteTable" }));
        }
        assert_eq!(endpoint["VpcEndpointType"], "Gateway");
        assert_eq!(endpoint["RouteTableIds"], json!([{ "Ref": "FunctionRouteTable" }]));
        for subnet in ["A", "B"] {
            let routes = stack.properties(&format!("FunctionRoutes{subnet}"));
            assert_eq!(routes["SubnetId"], json!({ "Ref": format!("FunctionSubnet{subnet}") }));
            assert_eq!(routes["RouteTableId"], json!({ "Ref": "FunctionRouteTable" }));
        }
    }
}

#[test]
fn everything_that_reaches_the_http_api_goes_to_the_router() {
    let Some(stack) = Stack::guided() else { return };

    let integration = stack.properties("ApiIntegration");
    let routes = stack.of_type("AWS::ApiGatewayV2::Route");

    assert_eq!(integration["IntegrationUri"], json!({ "Ref": "ApiFunctionAliaslive" }));
    assert_eq!(integration["PayloadFormatVersion"], "2.0");
    assert_eq!(routes.len(), 1);
    assert_eq!(stack.properties(routes[0])["RouteKey"], "$default");
    // The function answers, or is ended, before the gateway gives up on it.
    let timeout = stack.properties("ApiFunction")["Timeout"].as_u64().unwrap();
    assert!(timeout * 1000 < integration["TimeoutInMillis"].as_u64().unwrap());
    let throttle = &stack.properties("ApiStage")["DefaultRouteSettings"];
    assert!(throttle["ThrottlingRateLimit"].is_u64() && throttle["ThrottlingBurstLimit"].is_u64(), "{throttle}");
}

/// A name that leads nowhere is worse than none.
#[test]
fn a_domain_leads_to_the_api() {
    for stack in Stack::all() {
        let records = stack.of_type("AWS::Route53::RecordSet");
        if stack.0 != "domain" {
            assert!(records.is_empty() && stack.of_type("AWS::ApiGatewayV2::DomainName").is_empty(), "{}", stack.0);
            continue;
        }

        let types: Vec<&Value> = records.iter().map(|name| &stack.properties(name)["Type"]).collect();
        assert_eq!(types, ["AAAA", "A"]);
        for name in records {
            let record = stack.properties(name);
            assert_eq!(record["AliasTarget"]["DNSName"], json!({ "Fn::GetAtt": ["Domain", "RegionalDomainName"] }));
            assert_eq!([&record["Name"], &record["HostedZoneId"]], ["errand.example.com", "Z0123456789ABCDEFGHIJ"]);
        }
        assert_eq!(stack.properties("DomainMapping")["Stage"], json!({ "Ref": "ApiStage" }));
        assert_eq!(stack.1["Outputs"]["ApiUrl"]["Value"], "https://errand.example.com");
    }
}

/// Browsers send credentials only to an API that names their origin.
#[test]
fn scripts_of_the_given_origins_alone_may_call() {
    for stack in Stack::all() {
        let cors = &stack.properties("HttpApi")["CorsConfiguration"];

        if stack.0 == "domain" {
            assert_eq!(cors["AllowOrigins"], json!(["https://app.example.com", "https://www.example.com"]));
            assert_eq!((&cors["AllowCredentials"], &cors["MaxAge"]), (&json!(true), &json!(3600)));
        } else {
            assert_eq!(*cors, Value::Null, "{}", stack.0);
        }
    }
}
