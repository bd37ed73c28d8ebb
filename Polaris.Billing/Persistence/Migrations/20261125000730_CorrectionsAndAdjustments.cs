using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class CorrectionsAndAdjustments : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices");

            migrationBuilder.AddColumn<Guid>(
                name: "adjusts_invoice_id",
                table: "invoice_lines",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "adjusts_number",
                table: "invoice_lines",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "kind",
                table: "invoice_lines",
                type: "text",
                nullable: false,
                defaultValue: "charge");

            migrationBuilder.CreateTable(
                name: "corrections",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    corrected_batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    corrected_key = table.Column<string>(type: "text", nullable: false),
                    by_batch_id = table.Column<Guid>(type: "uuid", nullable: false),
                    by_key = table.Column<string>(type: "text", nullable: false),
                    replaces = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_corrections", x => new { x.org_id, x.corrected_batch_id, x.corrected_key });
                });

            migrationBuilder.CreateTable(
                name: "dirty_buckets",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    bucket_start = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    marked_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dirty_buckets", x => new { x.org_id, x.customer_key, x.bucket_start });
                });

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices",
                columns: new[] { "org_id", "subscription_id", "period_start" },
                unique: true,
                filter: "period_start < period_end");

            migrationBuilder.CreateIndex(
                name: "ix_invoice_lines_org_id_adjusts_invoice_id",
                table: "invoice_lines",
                columns: new[] { "org_id", "adjusts_invoice_id" },
                filter: "adjusts_invoice_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_corrections_org_id_by_batch_id",
                table: "corrections",
                columns: new[] { "org_id", "by_batch_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "corrections");

            migrationBuilder.DropTable(
                name: "dirty_buckets");

            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_invoice_lines_org_id_adjusts_invoice_id",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "adjusts_invoice_id",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "adjusts_number",
                table: "invoice_lines");

            migrationBuilder.DropColumn(
                name: "kind",
                table: "invoice_lines");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices",
                columns: new[] { "org_id", "subscription_id", "period_start" },
                unique: true);
        }
    }
}
