using GraphQL;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Customers;

namespace Polaris.Billing.GraphQL;

/// <summary>An address as it is printed; parts that are not known are null.</summary>
/// <param name="Line1">Street and number, or the like.</param>
/// <param name="Line2">Anything more of it.</param>
/// <param name="City">The name of the city.</param>
/// <param name="PostalCode">Printed before the city.</param>
/// <param name="Region">State, province or county.</param>
/// <param name="Country">ISO 3166 alpha-2, such as DE.</param>
[Name("PostalAddress")]
public sealed record PostalAddressType(string? Line1, string? Line2, string? City, string? PostalCode, string? Region, string? Country)
{
    internal static PostalAddressType? Of(PostalAddress? address) =>
        address is null ? null : new(address.Line1, address.Line2, address.City, address.PostalCode, address.Region, address.Country);
}

/// <summary>An address, stated as a whole: parts that are left out are none. Each part has at most 200 characters.</summary>
[Name("PostalAddressInput")]
public sealed class PostalAddressInput
{
    /// <summary>Street and number, or the like.</summary>
    public string? Line1 { get; set; }

    /// <summary>Anything more of it.</summary>
    public string? Line2 { get; set; }

    /// <summary>The name of the city.</summary>
    public string? City { get; set; }

    /// <summary>Printed before the city; at most 20 characters.</summary>
    public string? PostalCode { get; set; }

    /// <summary>State, province or county.</summary>
    public string? Region { get; set; }

    /// <summary>ISO 3166 alpha-2, in capital letters, such as DE.</summary>
    public string? Country { get; set; }

    internal PostalAddress ToAddress() => new(Line1, Line2, City, PostalCode, Region, Country);
}

/// <summary>A field that is left out stays as it is; null clears it.</summary>
[Name("UpdateCustomerInput")]
public sealed class UpdateCustomerInput
{
    private Change<string?> name;
    private Change<string?> email;
    private Change<PostalAddressInput?> address;
    private Change<string?> taxId;

    /// <summary>Which customer. It keeps its key.</summary>
    public required string Key { get; set; }

    /// <summary>As invoices show it; at most 255 characters. Null: the key.</summary>
    public string? Name
    {
        get => name.Value;
        set => name = new(value);
    }

    /// <summary>At most 254 characters.</summary>
    public string? Email
    {
        get => email.Value;
        set => email = new(value);
    }

    /// <summary>As invoices show it. It is replaced as a whole.</summary>
    public PostalAddressInput? Address
    {
        get => address.Value;
        set => address = new(value);
    }

    /// <summary>As invoices show it; at most 64 characters.</summary>
    public string? TaxId
    {
        get => taxId.Value;
        set => taxId = new(value);
    }

    internal CustomerChange ToChange() => new(Key, name, email, new(address.Value?.ToAddress(), address.IsStated), taxId);
}
