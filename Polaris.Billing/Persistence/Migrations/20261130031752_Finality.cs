using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NodaTime;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Finality : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_number",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices");

            migrationBuilder.AddColumn<int>(
                name: "grace_minutes",
                table: "orgs",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "next_credit_note_number",
                table: "orgs",
                type: "bigint",
                nullable: false,
                defaultValue: 1L);

            migrationBuilder.AddColumn<long>(
                name: "next_invoice_sequence",
                table: "orgs",
                type: "bigint",
                nullable: false,
                defaultValue: 1L);

            migrationBuilder.AddColumn<long>(
                name: "next_ledger_entry",
                table: "orgs",
                type: "bigint",
                nullable: false,
                defaultValue: 1L);

            migrationBuilder.AddColumn<int>(
                name: "review_hours",
                table: "orgs",
                type: "integer",
                nullable: true);

            migrationBuilder.AlterColumn<string>(
                name: "number",
                table: "invoices",
                type: "text",
                nullable: true,
                oldClrType: typeof(string),
                oldType: "text");

            migrationBuilder.AddColumn<decimal>(
                name: "amount_due",
                table: "invoices",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<decimal>(
                name: "amount_paid",
                table: "invoices",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<decimal>(
                name: "balance_applied",
                table: "invoices",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<decimal>(
                name: "credited",
                table: "invoices",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<decimal>(
                name: "credits_applied",
                table: "invoices",
                type: "numeric",
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<Instant>(
                name: "drafted_at",
                table: "invoices",
                type: "timestamp with time zone",
                nullable: false,
                defaultValue: NodaTime.Instant.FromUnixTimeTicks(0L));

            migrationBuilder.AddColumn<Instant>(
                name: "paid_at",
                table: "invoices",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "payment_reference",
                table: "invoices",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "reissues_id",
                table: "invoices",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "sequence",
                table: "invoices",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "void_reason",
                table: "invoices",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Instant>(
                name: "voided_at",
                table: "invoices",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "hard_stop",
                table: "customers",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "account_balances",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    account = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_account_balances", x => new { x.org_id, x.customer_key, x.currency, x.account });
                });

            migrationBuilder.CreateTable(
                name: "credit_grants",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
                    remaining = table.Column<decimal>(type: "numeric", nullable: false),
                    expired_amount = table.Column<decimal>(type: "numeric", nullable: false),
                    priority = table.Column<int>(type: "integer", nullable: false),
                    expires_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false),
                    voided_at = table.Column<Instant>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_credit_grants", x => new { x.org_id, x.id });
                    table.CheckConstraint("ck_credit_grants_remaining", "remaining BETWEEN 0 AND amount");
                });

            migrationBuilder.CreateTable(
                name: "credit_notes",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<string>(type: "text", nullable: false),
                    invoice_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
                    tax = table.Column<decimal>(type: "numeric", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    applied_to_due = table.Column<decimal>(type: "numeric", nullable: false),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_credit_notes", x => new { x.org_id, x.id });
                    table.ForeignKey(
                        name: "fk_credit_notes_invoices_org_id_invoice_id",
                        columns: x => new { x.org_id, x.invoice_id },
                        principalTable: "invoices",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "ledger_entries",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<long>(type: "bigint", nullable: false),
                    transaction_id = table.Column<Guid>(type: "uuid", nullable: false),
                    customer_key = table.Column<string>(type: "text", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    account = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    invoice_id = table.Column<Guid>(type: "uuid", nullable: true),
                    credit_note_id = table.Column<Guid>(type: "uuid", nullable: true),
                    grant_id = table.Column<Guid>(type: "uuid", nullable: true),
                    created_at = table.Column<Instant>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_ledger_entries", x => new { x.org_id, x.id });
                    table.CheckConstraint("ck_ledger_entries_amount", "amount <> 0");
                });

            migrationBuilder.CreateTable(
                name: "credit_note_lines",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    credit_note_id = table.Column<Guid>(type: "uuid", nullable: false),
                    ordinal = table.Column<int>(type: "integer", nullable: false),
                    amount = table.Column<decimal>(type: "numeric", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_credit_note_lines", x => new { x.org_id, x.credit_note_id, x.ordinal });
                    table.ForeignKey(
                        name: "fk_credit_note_lines_credit_notes_org_id_credit_note_id",
                        columns: x => new { x.org_id, x.credit_note_id },
                        principalTable: "credit_notes",
                        principalColumns: new[] { "org_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            // What exists keeps its order and its numbers; a draft gives its number back. Those that are final are posted to the ledger.
            migrationBuilder.Sql(
                """
                UPDATE invoices SET sequence = substring(number FROM 5)::bigint, drafted_at = created_at,
                  amount_due = CASE WHEN status = 'finalized' THEN greatest(total, 0) ELSE 0 END,
                  balance_applied = CASE WHEN status = 'finalized' THEN least(total, 0) ELSE 0 END;
                UPDATE invoices SET number = NULL WHERE status = 'draft';
                UPDATE orgs SET next_invoice_sequence = next_invoice_number;
                WITH final AS MATERIALIZED (
                  SELECT org_id, id, customer_key, currency, total, tax, finalized_at, gen_random_uuid() AS transaction_id
                  FROM invoices WHERE status = 'finalized')
                INSERT INTO ledger_entries (org_id, id, transaction_id, customer_key, currency, account, amount, kind, invoice_id, created_at)
                SELECT f.org_id, row_number() OVER (PARTITION BY f.org_id ORDER BY f.finalized_at, f.id, p.place), f.transaction_id,
                  f.customer_key, f.currency, p.account, p.amount, p.kind, f.id, f.finalized_at
                FROM final f CROSS JOIN LATERAL (VALUES
                  (1, 'receivable', f.total, 'invoice'), (2, 'revenue', f.tax - f.total, 'invoice'), (3, 'tax', -f.tax, 'invoice'),
                  (4, 'balance', least(f.total, 0), 'balance'), (5, 'receivable', -least(f.total, 0), 'balance'))
                  p(place, account, amount, kind)
                WHERE p.amount <> 0;
                UPDATE orgs o SET next_ledger_entry = 1 + (SELECT count(*) FROM ledger_entries e WHERE e.org_id = o.org_id);
                INSERT INTO account_balances (org_id, customer_key, currency, account, amount)
                SELECT org_id, customer_key, currency, account, sum(amount) FROM ledger_entries GROUP BY 1, 2, 3, 4;
                """
            );

            migrationBuilder.CreateIndex(
                name: "ix_invoices_drafts",
                table: "invoices",
                columns: new[] { "org_id", "drafted_at" },
                filter: "status = 'draft'");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_number",
                table: "invoices",
                columns: new[] { "org_id", "number" },
                unique: true,
                filter: "number IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_sequence",
                table: "invoices",
                columns: new[] { "org_id", "sequence" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices",
                columns: new[] { "org_id", "subscription_id", "period_start" },
                unique: true,
                filter: "period_start < period_end AND status <> 'void'");

            migrationBuilder.CreateIndex(
                name: "ix_credit_grants_org_id_customer_key_key",
                table: "credit_grants",
                columns: new[] { "org_id", "customer_key", "key" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_credit_grants_org_id_expires_at",
                table: "credit_grants",
                columns: new[] { "org_id", "expires_at" },
                filter: "remaining > 0 AND expires_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_credit_notes_org_id_invoice_id",
                table: "credit_notes",
                columns: new[] { "org_id", "invoice_id" });

            migrationBuilder.CreateIndex(
                name: "ix_credit_notes_org_id_number",
                table: "credit_notes",
                columns: new[] { "org_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_ledger_entries_org_id_customer_key_id",
                table: "ledger_entries",
                columns: new[] { "org_id", "customer_key", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_ledger_entries_org_id_invoice_id",
                table: "ledger_entries",
                columns: new[] { "org_id", "invoice_id" },
                filter: "invoice_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "account_balances");

            migrationBuilder.DropTable(
                name: "credit_grants");

            migrationBuilder.DropTable(
                name: "credit_note_lines");

            migrationBuilder.DropTable(
                name: "ledger_entries");

            migrationBuilder.DropTable(
                name: "credit_notes");

            migrationBuilder.DropIndex(
                name: "ix_invoices_drafts",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_number",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_sequence",
                table: "invoices");

            migrationBuilder.DropIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "grace_minutes",
                table: "orgs");

            migrationBuilder.DropColumn(
                name: "next_credit_note_number",
                table: "orgs");

            migrationBuilder.DropColumn(
                name: "next_invoice_sequence",
                table: "orgs");

            migrationBuilder.DropColumn(
                name: "next_ledger_entry",
                table: "orgs");

            migrationBuilder.DropColumn(
                name: "review_hours",
                table: "orgs");

            migrationBuilder.DropColumn(
                name: "amount_due",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "amount_paid",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "balance_applied",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "credited",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "credits_applied",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "drafted_at",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "paid_at",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "payment_reference",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "reissues_id",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "sequence",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "void_reason",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "voided_at",
                table: "invoices");

            migrationBuilder.DropColumn(
                name: "hard_stop",
                table: "customers");

            migrationBuilder.AlterColumn<string>(
                name: "number",
                table: "invoices",
                type: "text",
                nullable: false,
                defaultValue: "",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_number",
                table: "invoices",
                columns: new[] { "org_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_invoices_org_id_subscription_id_period_start",
                table: "invoices",
                columns: new[] { "org_id", "subscription_id", "period_start" },
                unique: true,
                filter: "period_start < period_end");
        }
    }
}
