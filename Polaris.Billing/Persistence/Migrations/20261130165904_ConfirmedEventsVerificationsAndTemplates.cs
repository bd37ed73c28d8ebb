using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class ConfirmedEventsVerificationsAndTemplates : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_subscriptions_org_id_next_period_end",
                table: "subscriptions");

            migrationBuilder.DropIndex(
                name: "ix_invoices_stale",
                table: "invoices");

            migrationBuilder.AddColumn<Instant>(
                name: "published_at",
                table: "outbox",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "key",
                table: "credit_notes",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "invoice_verifications",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    started_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    finished_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    total = table.Column<int>(type: "integer", nullable: false),
                    through_sequence = table.Column<long>(type: "bigint", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    tries = table.Column<int>(type: "integer", nullable: false),
                    identical = table.Column<int>(type: "integer", nullable: false),
                    corrected = table.Column<int>(type: "integer", nullable: false),
                    different = table.Column<int>(type: "integer", nullable: false),
                    failed = table.Column<int>(type: "integer", nullable: false),
                    different_ids = table.Column<Guid[]>(type: "uuid[]", nullable: false),
                    failed_ids = table.Column<Guid[]>(type: "uuid[]", nullable: false),
                    turn_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    held_until = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_invoice_verifications", x => new { x.org_id, x.id });
                });

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_due",
                table: "subscriptions",
                columns: new[] { "org_id", "next_period_end", "customer_key" },
                filter: "next_period_end IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_outbox_published",
                table: "outbox",
                column: "published_at",
                filter: "published_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_outbox_waiting",
                table: "outbox",
                column: "event_id",
                filter: "published_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_stale",
                table: "invoices",
                columns: new[] { "org_id", "sequence" },
                filter: "stale");

            migrationBuilder.CreateIndex(
                name: "ix_credit_notes_org_id_invoice_id_key",
                table: "credit_notes",
                columns: new[] { "org_id", "invoice_id", "key" },
                unique: true,
                filter: "key IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoice_verifications_running",
                table: "invoice_verifications",
                column: "org_id",
                unique: true,
                filter: "finished_at IS NULL");

            migrationBuilder.AddColumn<bool>(
                name: "credits_gone",
                table: "threshold_checks",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "template",
                table: "invoice_settings",
                type: "text",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "credits_gone",
                table: "threshold_checks");

            migrationBuilder.DropColumn(
                name: "template",
                table: "invoice_settings");

            migrationBuilder.DropTable(
                name: "invoice_verifications");

            migrationBuilder.DropIndex(
                name: "ix_subscriptions_due",
                table: "subscriptions");

            migrationBuilder.DropIndex(
                name: "ix_outbox_published",
                table: "outbox");

            migrationBuilder.DropIndex(
                name: "ix_outbox_waiting",
                table: "outbox");

            migrationBuilder.DropIndex(
                name: "ix_invoices_stale",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_credit_notes_org_id_invoice_id_key",
                table: "credit_notes");

            migrationBuilder.DropColumn(
                name: "published_at",
                table: "outbox");

            migrationBuilder.DropColumn(
                name: "key",
                table: "credit_notes");

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_org_id_next_period_end",
                table: "subscriptions",
                columns: new[] { "org_id", "next_period_end" },
                filter: "next_period_end IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_stale",
                table: "invoices",
                column: "org_id",
                filter: "stale");
        }
    }
}
