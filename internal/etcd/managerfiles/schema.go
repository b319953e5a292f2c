package managerfiles

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// schema is what etcd-manager's etcdapi.proto says of these files, numbers
// included. Decoding by it, with the same library, accepts and rejects exactly
// what etcd-manager does.
var schema = build()

func build() protoreflect.FileDescriptor {
	const pkg = "etcd"
	file := &descriptorpb.FileDescriptorProto{
		Name:    proto.String("etcdapi.proto"),
		Package: proto.String(pkg),
		Syntax:  proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			message("ClusterSpec", int32Field("member_count", 1), stringField("etcd_version", 2)),
			message("Command", int64Field("timestamp", 1), messageField("restore_backup", 10, ".etcd.RestoreBackupCommand")),
			message("RestoreBackupCommand", messageField("cluster_spec", 1, ".etcd.ClusterSpec"), stringField("backup", 3)),
			message("BackupInfo", stringField("etcd_version", 1), int64Field("timestamp", 2), messageField("cluster_spec", 3, ".etcd.ClusterSpec")),
		},
	}
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		panic("managerfiles: the schema is not valid: " + err.Error())
	}
	return built
}

func message(name string, fields ...*descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
	return &descriptorpb.DescriptorProto{Name: proto.String(name), Field: fields}
}

func field(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
	return &descriptorpb.FieldDescriptorProto{
		Name:   proto.String(name),
		Number: proto.Int32(number),
		Type:   kind.Enum(),
		Label:  descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
}

func int32Field(name string, number int32) *descriptorpb.FieldDescriptorProto {
	return field(name, number, descriptorpb.FieldDescriptorProto_TYPE_INT32)
}

func int64Field(name string, number int32) *descriptorpb.FieldDescriptorProto {
	return field(name, number, descriptorpb.FieldDescriptorProto_TYPE_INT64)
}

func stringField(name string, number int32) *descriptorpb.FieldDescriptorProto {
	return field(name, number, descriptorpb.FieldDescriptorProto_TYPE_STRING)
}

func messageField(name string, number int32, of string) *descriptorpb.FieldDescriptorProto {
	f := field(name, number, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE)
	f.TypeName = proto.String(of)
	return f
}
