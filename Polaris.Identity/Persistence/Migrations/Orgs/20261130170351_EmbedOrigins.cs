using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Polaris.Identity.Persistence.Migrations.Orgs
{
    /// <inheritdoc />
    public partial class EmbedOrigins : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string[]>(
                name: "embed_origins",
                table: "orgs",
                type: "text[]",
                nullable: false,
                defaultValueSql: "'{}'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "embed_origins",
                table: "orgs");
        }
    }
}
