using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class PlanChanges : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Instant>(
                name: "paid_until",
                table: "subscriptions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string[]>(
                name: "plan_version_hashes",
                table: "invoices",
                type: "text[]",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "adjusts_kind",
                table: "invoice_lines",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "plan_version_id",
                table: "invoice_lines",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "span_end",
                table: "invoice_lines",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "span_start",
                table: "invoice_lines",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<decimal>(
                name: "tax",
                table: "invoice_lines",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.CreateTable(
                name: "plan_changes",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subscription_id = table.Column<Guid>(type: "uuid", nullable: false),
                    starts_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    plan_key = table.Column<string>(type: "text", nullable: false),
                    plan_version_id = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_plan_changes", x => new { x.org_id, x.subscription_id, x.starts_at });
                    table.ForeignKey(
                        name: "fk_plan_changes_subscriptions_org_id_subscription_id",
                        columns: x => new { x.org_id, x.subscription_id },
                        principalTable: "subscriptions",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            // What earlier lines knew without saying it: a tax line's first step is the tax, and an adjustment is of the line with its key.
            migrationBuilder.Sql("UPDATE invoice_lines SET tax = round((explanation->0->>'Amount')::numeric, scale(amount)) WHERE kind = 'tax'");
            migrationBuilder.Sql("""
                UPDATE invoice_lines a SET adjusts_kind = coalesce((SELECT l.kind FROM invoice_lines l
                  WHERE l.org_id = a.org_id AND l.invoice_id = a.adjusts_invoice_id AND l.charge = a.charge AND l.kind <> 'adjustment' ORDER BY l.ordinal LIMIT 1), 'charge')
                WHERE a.adjusts_invoice_id IS NOT NULL
                """);
            migrationBuilder.Sql("UPDATE invoice_lines SET tax = amount WHERE adjusts_kind = 'tax'");
            // A final invoice shows the tax that it was sent with.
            migrationBuilder.Sql("""
                UPDATE invoices i SET tax = (SELECT sum(l.tax) FROM invoice_lines l WHERE l.org_id = i.org_id AND l.invoice_id = i.id)
                WHERE i.status = 'draft' AND EXISTS (SELECT 1 FROM invoice_lines l WHERE l.org_id = i.org_id AND l.invoice_id = i.id AND l.adjusts_kind = 'tax')
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "plan_changes");

            migrationBuilder.DropColumn(
                name: "paid_until",
                table: "subscriptions");

            migrationBuilder.DropColumn(
                name: "plan_version_hashes",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "adjusts_kind",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "plan_version_id",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "span_end",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "span_start",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "tax",
                table: "invoice_lines");
        }
    }
}
