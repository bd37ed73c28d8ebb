using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class IndexesOfACloseInOrder : Migration
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

            migrationBuilder.CreateIndex(
                name: "ix_subscriptions_due",
                table: "subscriptions",
                columns: new[] { "org_id", "next_period_end", "customer_key" },
                filter: "next_period_end IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_invoices_stale",
                table: "invoices",
                columns: new[] { "org_id", "sequence" },
                filter: "stale");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_subscriptions_due",
                table: "subscriptions");

            migrationBuilder.DropIndex(
                name: "ix_invoices_stale",
                table: "invoices");

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
