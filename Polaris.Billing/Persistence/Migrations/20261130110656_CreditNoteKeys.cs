using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Polaris.Billing.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class CreditNoteKeys : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "key",
                table: "credit_notes",
                type: "text",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_credit_notes_org_id_invoice_id_key",
                table: "credit_notes",
                columns: new[] { "org_id", "invoice_id", "key" },
                unique: true,
                filter: "key IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_credit_notes_org_id_invoice_id_key",
                table: "credit_notes");

            migrationBuilder.DropColumn(
                name: "key",
                table: "credit_notes");
        }
    }
}
