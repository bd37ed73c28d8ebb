using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class DocumentsThresholdsAudit : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "document",
                table: "invoices",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "address",
                table: "customers",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "archived_at",
                table: "customers",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "tax_id",
                table: "customers",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "audit_log",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    action = table.Column<string>(type: "text", nullable: false),
                    actor_kind = table.Column<string>(type: "text", nullable: false),
                    actor_id = table.Column<string>(type: "text", nullable: true),
                    subject = table.Column<string>(type: "text", nullable: true),
                    detail = table.Column<string>(type: "jsonb", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit_log", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "invoice_settings",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    legal_name = table.Column<string>(type: "text", nullable: true),
                    address = table.Column<string>(type: "jsonb", nullable: true),
                    tax_id = table.Column<string>(type: "text", nullable: true),
                    email = table.Column<string>(type: "text", nullable: true),
                    payment_days = table.Column<int>(type: "integer", nullable: true),
                    note = table.Column<string>(type: "text", nullable: true),
                    footer = table.Column<string>(type: "text", nullable: true),
                    accent_color = table.Column<string>(type: "text", nullable: true),
                    figures = table.Column<string>(type: "text", nullable: true),
                    logo = table.Column<byte[]>(type: "bytea", nullable: true),
                    logo_type = table.Column<string>(type: "text", nullable: true),
                    updated_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_invoice_settings", x => x.org_id);
                });

            migrationBuilder.CreateTable(
                name: "threshold_checks",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_threshold_checks", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "thresholds",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    measure = table.Column<string>(type: "text", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: true),
                    customer_key = table.Column<string>(type: "text", nullable: true),
                    meter_id = table.Column<Guid>(type: "uuid", nullable: true),
                    meter_key = table.Column<string>(type: "text", nullable: true),
                    at_once = table.Column<bool>(type: "boolean", nullable: false),
                    charge = table.Column<string>(type: "text", nullable: true),
                    currency = table.Column<string>(type: "text", nullable: true),
                    at_values = table.Column<decimal[]>(type: "numeric[]", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    archived_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_thresholds", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateTable(
                name: "threshold_crossings",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    period_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    threshold_id = table.Column<Guid>(type: "uuid", nullable: false),
                    value = table.Column<decimal>(type: "numeric", nullable: false),
                    period_end = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    reached = table.Column<decimal>(type: "numeric", nullable: false),
                    event_id = table.Column<Guid>(type: "uuid", nullable: false),
                    crossed_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_threshold_crossings", x => new { x.org_id, x.subscription_id, x.period_start, x.threshold_id, x.value });
                    table.ForeignKey(
                        name: "fk_threshold_crossings_thresholds_org_id_threshold_id",
                        columns: x => new { x.org_id, x.threshold_id },
                        principalTable: "thresholds",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_audit_log_org_id_subject_id",
                table: "audit_log",
                columns: new[] { "org_id", "subject", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_threshold_crossings_org_id_customer_key_event_id",
                table: "threshold_crossings",
                columns: new[] { "org_id", "customer_key", "event_id" });

            migrationBuilder.CreateIndex(
                name: "ix_threshold_crossings_org_id_event_id",
                table: "threshold_crossings",
                columns: new[] { "org_id", "event_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_threshold_crossings_org_id_threshold_id",
                table: "threshold_crossings",
                columns: new[] { "org_id", "threshold_id" });

            migrationBuilder.CreateIndex(
                name: "ix_thresholds_org_id_key",
                table: "thresholds",
                columns: new[] { "org_id", "key" },
                unique: true);

            migrationBuilder.Sql("CREATE POLICY never_changed ON audit_log AS RESTRICTIVE FOR UPDATE USING (false)");
            migrationBuilder.Sql("CREATE POLICY never_deleted ON audit_log AS RESTRICTIVE FOR DELETE USING (false)");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_log");

            migrationBuilder.DropTable(
                name: "invoice_settings");

            migrationBuilder.DropTable(
                name: "threshold_checks");

            migrationBuilder.DropTable(
                name: "threshold_crossings");

            migrationBuilder.DropTable(
                name: "thresholds");

            migrationBuilder.DropColumn(
                name: "document",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "address",
                table: "customers");

            migrationBuilder.DropColumn(
                name: "archived_at",
                table: "customers");

            migrationBuilder.DropColumn(
                name: "tax_id",
                table: "customers");
        }
    }
}
