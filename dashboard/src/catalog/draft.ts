import type { ChargeInput, DiscountInput, PlanTermsInput, PriceInput, PriceModel, Proration } from '../api/generated';
import type { Charge, Discount, Price, Terms } from './queries';
import type { RatedCharge } from './rate';

/** A plan version as it is being edited: all figures are the texts of their fields, "" where none is stated. */
export type TierDraft = { upTo: string; unitPrice: string; flatFee: string; percent: string; packageSize: string };
export type PriceDraft = {
  model: PriceModel;
  amount: string;
  unitPrice: string;
  packageSize: string;
  packagePrice: string;
  packageRounding: string;
  freeUnits: string;
  percent: string;
  feePerEvent: string;
  freeAmount: string;
  freeEvents: string;
  flatFeeAtZero: string;
  tiers: TierDraft[];
};
export type DiscountDraft = { key: string; name: string; percent: string; amount: string };
export type ChargeDraft = {
  id: number;
  key: string;
  name: string;
  meter: string;
  price: PriceDraft;
  dimensionPrices: { values: string; price: PriceDraft }[];
  includedUnits: string;
  minimum: string;
  maximum: string;
  discounts: DiscountDraft[];
  proration: string;
  timing: string;
};
export type TermsDraft = {
  commitment: string;
  overageFactor: string;
  minimum: string;
  maximum: string;
  discounts: DiscountDraft[];
  taxMode: string;
  taxes: { key: string; name: string; percent: string }[];
  proration: string;
};

export const MODELS: readonly { value: PriceModel; label: string; metered: boolean }[] = [
  { value: 'FLAT', label: 'Flat fee', metered: false },
  { value: 'PER_UNIT', label: 'Per unit', metered: true },
  { value: 'GRADUATED', label: 'Graduated: each unit at its tier’s price', metered: true },
  { value: 'VOLUME', label: 'Volume: all units at one tier’s price', metered: true },
  { value: 'PACKAGE', label: 'Packages', metered: true },
  { value: 'STAIR_STEP', label: 'Stair step: one fee for a tier', metered: true },
  { value: 'PERCENTAGE', label: 'Percentage of an amount', metered: true },
  { value: 'GRADUATED_PERCENTAGE', label: 'Graduated percentage', metered: true },
];

export function isTiered(model: PriceModel): boolean {
  return model === 'GRADUATED' || model === 'VOLUME' || model === 'STAIR_STEP' || model === 'GRADUATED_PERCENTAGE';
}

export const emptyTier: TierDraft = { upTo: '', unitPrice: '', flatFee: '', percent: '', packageSize: '' };

export const emptyPrice: PriceDraft = {
  model: 'PER_UNIT',
  amount: '',
  unitPrice: '',
  packageSize: '',
  packagePrice: '',
  packageRounding: 'UP',
  freeUnits: '',
  percent: '',
  feePerEvent: '',
  freeAmount: '',
  freeEvents: '',
  flatFeeAtZero: '',
  tiers: [emptyTier],
};

let lastId = 0;

export function newCharge(metered: boolean): ChargeDraft {
  return {
    id: ++lastId,
    key: '',
    name: '',
    meter: '',
    price: { ...emptyPrice, model: metered ? 'PER_UNIT' : 'FLAT' },
    dimensionPrices: [],
    includedUnits: '',
    minimum: '',
    maximum: '',
    discounts: [],
    proration: '',
    timing: '',
  };
}

export const emptyTerms: TermsDraft = {
  commitment: '',
  overageFactor: '',
  minimum: '',
  maximum: '',
  discounts: [],
  taxMode: 'EXCLUSIVE',
  taxes: [],
  proration: 'NONE',
};

function priceDraftOf(price: Price): PriceDraft {
  return {
    model: price.model,
    amount: price.amount ?? '',
    unitPrice: price.unitPrice ?? '',
    packageSize: price.packageSize ?? '',
    packagePrice: price.packagePrice ?? '',
    packageRounding: price.packageRounding ?? 'UP',
    freeUnits: price.freeUnits ?? '',
    percent: price.percent ?? '',
    feePerEvent: price.feePerEvent ?? '',
    freeAmount: price.freeAmount ?? '',
    freeEvents: price.freeEvents === null ? '' : String(price.freeEvents),
    flatFeeAtZero: price.flatFeeAtZero ? 'yes' : '',
    tiers: (price.tiers ?? []).map((tier) => ({
      upTo: tier.upTo ?? '',
      unitPrice: tier.unitPrice,
      flatFee: tier.flatFee,
      percent: tier.percent ?? '',
      packageSize: tier.packageSize ?? '',
    })),
  };
}

function discountDraftOf({ key, name, percent, amount }: Discount): DiscountDraft {
  return { key, name, percent: percent ?? '', amount: amount ?? '' };
}

export function chargeDraftOf(charge: Charge): ChargeDraft {
  return {
    id: ++lastId,
    key: charge.key,
    name: charge.name,
    meter: charge.meter ?? '',
    price: priceDraftOf(charge.price),
    dimensionPrices: charge.dimensionPrices.map(({ values, price }) => ({
      values: values.join(', '),
      price: priceDraftOf(price),
    })),
    includedUnits: charge.includedUnits ?? '',
    minimum: charge.minimum ?? '',
    maximum: charge.maximum ?? '',
    discounts: charge.discounts.map(discountDraftOf),
    proration: charge.proration ?? '',
    timing: charge.timing ?? '',
  };
}

export function termsDraftOf(terms: Terms): TermsDraft {
  return {
    commitment: terms.commitment?.amount ?? '',
    overageFactor: terms.commitment?.overageFactor ?? '',
    minimum: terms.minimum ?? '',
    maximum: terms.maximum ?? '',
    discounts: terms.discounts.map(discountDraftOf),
    taxMode: terms.taxMode,
    taxes: terms.taxes.map(({ key, name, percent }) => ({ key, name, percent })),
    proration: terms.proration,
  };
}

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

/** Only the fields of the model: the API refuses others. A tier without a unit price is free. */
export function priceInputOf(price: PriceDraft): PriceInput {
  const { model } = price;
  switch (model) {
    case 'FLAT':
      return { model, amount: orNull(price.amount) };
    case 'PER_UNIT':
      return { model, unitPrice: orNull(price.unitPrice) };
    case 'PACKAGE':
      return {
        model,
        packageSize: orNull(price.packageSize),
        packagePrice: orNull(price.packagePrice),
        packageRounding: price.packageRounding === 'DOWN' ? 'DOWN' : 'UP',
        freeUnits: orNull(price.freeUnits),
      };
    case 'PERCENTAGE':
      return {
        model,
        percent: orNull(price.percent),
        feePerEvent: orNull(price.feePerEvent),
        freeAmount: orNull(price.freeAmount),
        freeEvents: price.freeEvents.trim() === '' ? null : Number.parseInt(price.freeEvents, 10),
      };
    default:
      return {
        model,
        ...(price.flatFeeAtZero && model !== 'GRADUATED_PERCENTAGE' ? { flatFeeAtZero: true } : {}),
        tiers: price.tiers.map((tier) => ({
          upTo: orNull(tier.upTo),
          ...(model === 'GRADUATED_PERCENTAGE' ? { percent: orNull(tier.percent) ?? '0' } : {}),
          ...(model === 'GRADUATED' || model === 'VOLUME'
            ? { unitPrice: orNull(tier.unitPrice) ?? '0', packageSize: positive(tier.packageSize) }
            : {}),
          flatFee: orNull(tier.flatFee),
        })),
      };
  }
}

function positive(text: string): string | null {
  return /[1-9]/.test(text) ? text.trim() : null;
}

function discountInputOf({ key, name, percent, amount }: DiscountDraft): DiscountInput {
  return { key: key.trim(), name: orNull(name), percent: orNull(percent), amount: orNull(amount) };
}

export function chargeInputOf(charge: ChargeDraft): ChargeInput {
  const metered = charge.price.model !== 'FLAT';
  return {
    key: charge.key.trim(),
    name: orNull(charge.name),
    meter: metered ? orNull(charge.meter) : null,
    price: priceInputOf(charge.price),
    ...(charge.dimensionPrices.length > 0
      ? {
          dimensionPrices: charge.dimensionPrices.map(({ values, price }) => ({
            values: values.split(',').map((value) => value.trim()),
            price: priceInputOf(price),
          })),
        }
      : {}),
    ...(metered ? { includedUnits: positive(charge.includedUnits) } : {}),
    minimum: orNull(charge.minimum),
    maximum: orNull(charge.maximum),
    ...(charge.discounts.length > 0 ? { discounts: charge.discounts.map(discountInputOf) } : {}),
    ...(charge.proration ? { proration: charge.proration as Proration } : {}),
    ...(charge.timing && !metered ? { timing: charge.timing === 'ADVANCE' ? 'ADVANCE' : 'ARREARS' } : {}),
  };
}

export function termsInputOf(terms: TermsDraft): PlanTermsInput {
  return {
    commitment: orNull(terms.commitment)
      ? { amount: terms.commitment.trim(), overageFactor: orNull(terms.overageFactor) }
      : null,
    minimum: orNull(terms.minimum),
    maximum: orNull(terms.maximum),
    discounts: terms.discounts.map(discountInputOf),
    taxMode: terms.taxMode === 'INCLUSIVE' ? 'INCLUSIVE' : 'EXCLUSIVE',
    taxes: terms.taxes.map(({ key, name, percent }) => ({
      key: key.trim(),
      name: orNull(name),
      percent: percent.trim(),
    })),
    proration: terms.proration as Proration,
  };
}

/** A price as it would be read back, for its sentences and its curve. Fields that are no decimals yet count as not stated. */
export function priceOfDraft(price: PriceDraft): Price {
  const input = priceInputOf(price);
  const decimal = (text: string | null | undefined) => (text != null && /^-?\d+(\.\d+)?$/.test(text) ? text : null);
  return {
    model: input.model,
    amount: decimal(input.amount),
    unitPrice: decimal(input.unitPrice),
    packageSize: positiveDecimal(input.packageSize),
    packagePrice: decimal(input.packagePrice),
    packageRounding: input.packageRounding ?? null,
    freeUnits: decimal(input.freeUnits),
    percent: decimal(input.percent),
    feePerEvent: decimal(input.feePerEvent),
    freeAmount: decimal(input.freeAmount),
    freeEvents: Number.isNaN(input.freeEvents) ? null : (input.freeEvents ?? null),
    flatFeeAtZero: input.flatFeeAtZero ?? null,
    tiers:
      input.tiers?.map((tier) => ({
        upTo: decimal(tier.upTo),
        unitPrice: decimal(tier.unitPrice) ?? '0',
        flatFee: decimal(tier.flatFee) ?? '0',
        percent: decimal(tier.percent),
        packageSize: positiveDecimal(tier.packageSize),
      })) ?? null,
  };
}

function positiveDecimal(text: string | null | undefined): string | null {
  return text != null && /^\d+(\.\d+)?$/.test(text) && /[1-9]/.test(text) ? text : null;
}

export function ratedOfDraft(charge: ChargeDraft): RatedCharge {
  const decimal = (text: string) => (/^-?\d+(\.\d+)?$/.test(text.trim()) ? text.trim() : null);
  return {
    price: priceOfDraft(charge.price),
    includedUnits: charge.price.model === 'FLAT' ? null : decimal(charge.includedUnits),
    minimum: decimal(charge.minimum),
    maximum: decimal(charge.maximum),
    discounts: charge.discounts.map(({ percent, amount }) => ({ percent: decimal(percent), amount: decimal(amount) })),
  };
}
