namespace Polaris.Billing.GraphQL;

public sealed partial record InvoiceType
{
    /// <summary>Path of the invoice as a page, below the gateway's address; with the same token as here.</summary>
    public string HtmlUrl => $"/invoices/{Id}.html";

    /// <summary>Path of the invoice as PDF.</summary>
    public string PdfUrl => $"/invoices/{Id}.pdf";

    /// <summary>Path of the invoice's lines as CSV.</summary>
    public string CsvUrl => $"/invoices/{Id}.csv";
}

public sealed partial record PortalInvoiceType
{
    /// <summary>Path of the invoice as a page, below the gateway's address; with the same token as here.</summary>
    public string HtmlUrl => $"/portal/invoices/{Id}.html";

    /// <summary>Path of the invoice as PDF.</summary>
    public string PdfUrl => $"/portal/invoices/{Id}.pdf";

    /// <summary>Path of the invoice's lines as CSV.</summary>
    public string CsvUrl => $"/portal/invoices/{Id}.csv";
}
