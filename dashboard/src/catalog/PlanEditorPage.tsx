import { lazy, Suspense, useState, type SyntheticEvent } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import type { PriceModel } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { FormField, type FieldSpec } from '../forms/FormDialog';
import { useMay, useViewer } from '../session/Viewer';
import { Card, PageHead } from '../ui/elements';
import { argumentOf, errorAt } from '../ui/errors';
import { Empty, ErrorNote, Loaded, Loading } from '../ui/states';
import { useTitle } from '../ui/title';
import {
  chargeDraftOf,
  chargeInputOf,
  emptyPrice,
  emptyTerms,
  emptyTier,
  isTiered,
  MODELS,
  newCharge,
  priceOfDraft,
  ratedOfDraft,
  termsDraftOf,
  termsInputOf,
  type ChargeDraft,
  type DiscountDraft,
  type PriceDraft,
  type TermsDraft,
} from './draft';
import { PriceText } from './PlansPage';
import { CREATE_PLAN, CREATE_PLAN_VERSION, METERS, PLANS, type Meter, type Plan } from './queries';
import { spellOutPrice } from './spellOut';

const PriceCurve = lazy(() => import('../charts/PriceCurve').then(({ PriceCurve: curve }) => ({ default: curve })));

/** A new plan, or a new version of one, which begins as the version in the address. */
export function PlanEditorPage() {
  const [params] = useSearchParams();
  const mayChange = useMay('admin');
  const plans = useRead(PLANS, { archived: false });
  const meters = useRead(METERS, { archived: false });
  const key = params.get('plan');
  useTitle(key === null ? 'New plan' : `New version of ${key}`);
  return (
    <>
      <Link className="back" to="/plans">
        Plans
      </Link>
      {mayChange ? (
        <Loaded result={plans} what="plans">
          {(found) => (
            <Loaded result={meters} what="meters">
              {(counted) => {
                const plan = found.plans.find((one) => one.key === key) ?? null;
                return key !== null && plan === null ? (
                  <Empty title={`There is no plan “${key}”`} />
                ) : (
                  <Editor plan={plan} version={params.get('version')} meters={counted.meters} />
                );
              }}
            </Loaded>
          )}
        </Loaded>
      ) : (
        <Empty title="Plans are changed by owners and admins" />
      )}
    </>
  );
}

function Editor({ plan, version, meters }: { plan: Plan | null; version: string | null; meters: readonly Meter[] }) {
  const { org } = useViewer();
  const navigate = useNavigate();
  const from = plan?.versions.find(({ id }) => id === version) ?? plan?.versions.at(-1);
  const [head, setHead] = useState({ key: '', name: '', currency: plan?.currency ?? org.currency });
  const [charges, setCharges] = useState<ChargeDraft[]>(() => from?.charges.map(chargeDraftOf) ?? [newCharge(false)]);
  const [terms, setTerms] = useState<TermsDraft>(() => (from ? termsDraftOf(from.terms) : emptyTerms));
  const [publish, setPublish] = useState('yes');
  const done = () => navigate(`/plans#${encodeURIComponent(plan?.key ?? head.key)}`);
  const create = useChange(CREATE_PLAN, done);
  const createVersion = useChange(CREATE_PLAN_VERSION, done);
  const saving = plan ? createVersion : create;
  const currency = /^[A-Z]{3}$/.test(head.currency) ? head.currency : 'USD';
  const field = (spec: FieldSpec<'key' | 'name' | 'currency'>) => (
    <FormField
      field={spec}
      value={head[spec.name]}
      error={errorAt(saving.error, spec.name)}
      onChange={(value) => setHead((old) => ({ ...old, [spec.name]: value }))}
    />
  );
  const save = (event: SyntheticEvent) => {
    event.preventDefault();
    if (saving.isPending) return;
    const version = { charges: charges.map(chargeInputOf), terms: termsInputOf(terms) };
    if (plan) createVersion.mutate({ planKey: plan.key, ...version });
    else
      create.mutate({
        input: { ...head, key: head.key.trim(), interval: 'MONTH', publish: publish === 'yes', ...version },
      });
  };

  return (
    <form onSubmit={save}>
      <PageHead
        title={plan ? `New version of ${plan.name}` : 'New plan'}
        intro={
          plan
            ? 'It is a draft until it is published. Subscriptions stay on their version until they are changed.'
            : 'Fees and prices of meters, and the terms of the invoice as a whole.'
        }
      />
      {plan ? null : (
        <Card title="Plan">
          <div className="form-grid">
            {field({ name: 'name', label: 'Name', required: true, maxLength: 200 })}
            {field({
              name: 'key',
              label: 'Key',
              required: true,
              maxLength: 100,
              hint: 'For the API. It never changes.',
            })}
            {field({ name: 'currency', label: 'Currency', required: true, maxLength: 3, hint: 'Such as EUR.' })}
          </div>
        </Card>
      )}
      {charges.map((charge, index) => (
        <ChargeEditor
          key={charge.id}
          charge={charge}
          path={`charges[${index}]`}
          error={saving.error}
          currency={currency}
          meters={meters}
          onChange={(next) => setCharges((old) => old.map((one) => (one.id === charge.id ? next : one)))}
          onRemove={charges.length > 1 ? () => setCharges((old) => old.filter(({ id }) => id !== charge.id)) : null}
        />
      ))}
      <div className="add-row">
        <button type="button" className="button" onClick={() => setCharges((old) => [...old, newCharge(false)])}>
          Add a fee
        </button>
        <button
          type="button"
          className="button"
          disabled={meters.length === 0}
          onClick={() => setCharges((old) => [...old, newCharge(true)])}
        >
          Add a price of a meter
        </button>
        {meters.length === 0 ? (
          <span className="soft">
            Prices need a meter: <Link to="/meters">create one</Link> first.
          </span>
        ) : null}
      </div>
      <TermsEditor terms={terms} error={saving.error} currency={currency} onChange={setTerms} />
      <Card>
        {saving.error ? <ErrorNote error={saving.error} /> : null}
        {saving.error && argumentOf(saving.error) ? (
          <p className="field-error">
            About <code>{argumentOf(saving.error)}</code>
          </p>
        ) : null}
        {plan ? null : (
          <FormField
            field={{ name: 'publish', label: 'Publish it at once', kind: 'check' }}
            value={publish}
            error={null}
            onChange={setPublish}
          />
        )}
        <div className="dialog-actions">
          <Link className="button" to="/plans">
            Cancel
          </Link>
          <button type="submit" className="button button-primary" disabled={saving.isPending}>
            {saving.isPending ? 'Saving …' : plan ? 'Create version' : 'Create plan'}
          </button>
        </div>
      </Card>
    </form>
  );
}

type ChargeEditorProps = {
  charge: ChargeDraft;
  path: string;
  error: unknown;
  currency: string;
  meters: readonly Meter[];
  onChange: (charge: ChargeDraft) => void;
  onRemove: (() => void) | null;
};

type ChargeField = 'key' | 'name' | 'meter' | 'includedUnits' | 'minimum' | 'maximum' | 'proration' | 'timing';

function ChargeEditor({ charge, path, error, currency, meters, onChange, onRemove }: ChargeEditorProps) {
  const metered = charge.price.model !== 'FLAT';
  const meter = meters.find(({ key }) => key === charge.meter);
  const field = (spec: FieldSpec<ChargeField>) => (
    <FormField
      field={spec}
      value={charge[spec.name]}
      error={errorAt(error, `${path}.${spec.name}`)}
      onChange={(value) => onChange({ ...charge, [spec.name]: value })}
    />
  );
  const byEvents = charge.price.model === 'PERCENTAGE' && charge.price.feePerEvent !== '';
  const title = charge.name || charge.key || (metered ? 'Price of a meter' : 'Fee');
  return (
    <Card
      title={title}
      actions={
        onRemove ? (
          <button type="button" className="button button-small" aria-label={`Remove ${title}`} onClick={onRemove}>
            Remove
          </button>
        ) : null
      }
    >
      <div className="form-grid">
        {field({ name: 'name', label: 'Name', maxLength: 200, hint: 'On the invoice.' })}
        {field({ name: 'key', label: 'Key', required: true, maxLength: 100 })}
        {metered
          ? field({
              name: 'meter',
              label: 'Meter',
              kind: 'select',
              options: [
                { value: '', label: 'Choose one' },
                ...meters.map(({ key, name }) => ({ value: key, label: name })),
              ],
            })
          : field({
              name: 'timing',
              label: 'Billed',
              kind: 'select',
              options: [
                { value: '', label: 'after its period' },
                { value: 'ADVANCE', label: 'in advance, before its period' },
              ],
            })}
      </div>
      <PriceEditor
        price={charge.price}
        path={`${path}.price`}
        error={error}
        metered={metered}
        onChange={(price) => onChange({ ...charge, price })}
      />
      {metered && (meter?.dimensions.length ?? 0) > 0 ? (
        <DimensionPrices
          charge={charge}
          path={path}
          error={error}
          dimensions={meter?.dimensions ?? []}
          onChange={onChange}
        />
      ) : null}
      <details
        className="more"
        open={
          [charge.includedUnits, charge.minimum, charge.maximum, charge.proration].some(Boolean) ||
          charge.discounts.length > 0
        }
      >
        <summary>Included units, discounts, least and most, part periods</summary>
        <div className="form-grid">
          {metered ? field({ name: 'includedUnits', label: 'Included units', kind: 'decimal' }) : null}
          {field({ name: 'minimum', label: 'At least, a period', kind: 'decimal' })}
          {field({ name: 'maximum', label: 'At most, a period', kind: 'decimal' })}
          {field({
            name: 'proration',
            label: 'Parts of a period',
            kind: 'select',
            options: [{ value: '', label: 'by the plan’s terms' }, ...PRORATIONS],
          })}
        </div>
        <Discounts
          discounts={charge.discounts}
          path={`${path}.discounts`}
          error={error}
          currency={currency}
          onChange={(discounts) => onChange({ ...charge, discounts })}
        />
      </details>
      <section className="preview" aria-label={`Preview of ${title}`}>
        <h3>Preview</h3>
        <div>
          <PriceText
            sentences={spellOutPrice(priceOfDraft(charge.price), currency)}
            tiered={isTiered(charge.price.model)}
          />
        </div>
        {metered ? (
          <>
            <Suspense fallback={<Loading what="the curve" />}>
              <PriceCurve charge={ratedOfDraft(charge)} currency={currency} events={byEvents ? 1 : 0} />
            </Suspense>
            {byEvents ? <p className="soft">The curve has the fee of one event.</p> : null}
          </>
        ) : null}
      </section>
    </Card>
  );
}

const PRORATIONS = [
  { value: 'NONE', label: 'cost as much as whole ones' },
  { value: 'DAYS', label: 'by the day' },
  { value: 'SECONDS', label: 'by the second' },
];

type PriceField = Exclude<keyof PriceDraft, 'tiers' | 'model'>;

function PriceEditor({
  price,
  path,
  error,
  metered,
  onChange,
}: {
  price: PriceDraft;
  path: string;
  error: unknown;
  metered: boolean;
  onChange: (price: PriceDraft) => void;
}) {
  const field = (spec: FieldSpec<PriceField>) => (
    <FormField
      key={spec.name}
      field={spec}
      value={price[spec.name]}
      error={errorAt(error, `${path}.${spec.name}`)}
      onChange={(value) => onChange({ ...price, [spec.name]: value })}
    />
  );
  return (
    <>
      <div className="form-grid">
        {metered ? (
          <FormField
            field={{
              name: 'model',
              label: 'Price',
              kind: 'select',
              options: MODELS.filter((model) => model.metered),
            }}
            value={price.model}
            error={errorAt(error, `${path}.model`)}
            onChange={(model) => onChange({ ...price, model: model as PriceModel })}
          />
        ) : null}
        {price.model === 'FLAT' ? field({ name: 'amount', label: 'Amount', kind: 'decimal', required: true }) : null}
        {price.model === 'PER_UNIT'
          ? field({ name: 'unitPrice', label: 'Price of a unit', kind: 'decimal', required: true })
          : null}
        {price.model === 'PACKAGE' ? (
          <>
            {field({ name: 'packageSize', label: 'Units in a package', kind: 'decimal', required: true })}
            {field({ name: 'packagePrice', label: 'Price of a package', kind: 'decimal', required: true })}
            {field({ name: 'freeUnits', label: 'Free units', kind: 'decimal' })}
            {field({
              name: 'packageRounding',
              label: 'Charged',
              kind: 'select',
              options: [
                { value: 'UP', label: 'when started' },
                { value: 'DOWN', label: 'when full' },
              ],
            })}
          </>
        ) : null}
        {price.model === 'PERCENTAGE' ? (
          <>
            {field({ name: 'percent', label: 'Percent of the amount', kind: 'decimal', required: true })}
            {field({ name: 'freeAmount', label: 'Free amount', kind: 'decimal' })}
            {field({ name: 'feePerEvent', label: 'Fee for each event', kind: 'decimal' })}
            {field({ name: 'freeEvents', label: 'Free events', kind: 'integer' })}
          </>
        ) : null}
      </div>
      {isTiered(price.model) ? <Tiers price={price} path={path} error={error} onChange={onChange} /> : null}
      {price.model === 'GRADUATED' || price.model === 'VOLUME' || price.model === 'STAIR_STEP'
        ? field({ name: 'flatFeeAtZero', label: 'The first tier’s fee is due at a quantity of 0 too', kind: 'check' })
        : null}
    </>
  );
}

type TierField = keyof PriceDraft['tiers'][number];

const TIER_FIELDS: readonly { name: TierField; label: string; of: readonly PriceModel[] }[] = [
  { name: 'unitPrice', label: 'Unit price', of: ['GRADUATED', 'VOLUME'] },
  { name: 'percent', label: 'Percent', of: ['GRADUATED_PERCENTAGE'] },
  { name: 'flatFee', label: 'Fee', of: ['GRADUATED', 'VOLUME', 'STAIR_STEP', 'GRADUATED_PERCENTAGE'] },
  { name: 'packageSize', label: 'Package size', of: ['GRADUATED', 'VOLUME'] },
];

function Tiers({
  price,
  path,
  error,
  onChange,
}: {
  price: PriceDraft;
  path: string;
  error: unknown;
  onChange: (price: PriceDraft) => void;
}) {
  const { tiers } = price;
  const fields = TIER_FIELDS.filter(({ of }) => of.includes(price.model));
  const set = (index: number, name: TierField, value: string) =>
    onChange({ ...price, tiers: tiers.map((tier, at) => (at === index ? { ...tier, [name]: value } : tier)) });
  const wrong = errorAt(error, `${path}.tiers`);
  return (
    <fieldset className="tiers">
      <legend>Tiers</legend>
      {tiers.map((tier, index) => {
        const last = index === tiers.length - 1;
        return (
          <div className="tier" key={index}>
            <label>
              <span>{last ? 'Above' : 'Up to'}</span>
              {last ? (
                <output>{index > 0 ? tiers[index - 1]?.upTo : '0'}</output>
              ) : (
                <input
                  inputMode="decimal"
                  required
                  aria-label={`Tier ${index + 1}: up to`}
                  aria-invalid={errorAt(error, `${path}.tiers[${index}].upTo`) !== null}
                  value={tier.upTo}
                  onChange={(event) => set(index, 'upTo', event.target.value)}
                />
              )}
            </label>
            {fields.map(({ name, label }) => (
              <label key={name}>
                <span>{label}</span>
                <input
                  inputMode="decimal"
                  aria-label={`Tier ${index + 1}: ${label.toLowerCase()}`}
                  aria-invalid={errorAt(error, `${path}.tiers[${index}].${name}`) !== null}
                  placeholder={name === 'unitPrice' || name === 'percent' ? '0' : undefined}
                  value={tier[name]}
                  onChange={(event) => set(index, name, event.target.value)}
                />
              </label>
            ))}
            {tiers.length > 1 ? (
              <button
                type="button"
                className="button button-small"
                aria-label={`Remove tier ${index + 1}`}
                onClick={() => {
                  const rest = tiers.filter((_, at) => at !== index);
                  onChange({
                    ...price,
                    tiers: rest.map((one, at) => (at === rest.length - 1 ? { ...one, upTo: '' } : one)),
                  });
                }}
              >
                Remove
              </button>
            ) : null}
          </div>
        );
      })}
      {wrong ? (
        <p className="field-error" role="alert">
          {wrong}
        </p>
      ) : null}
      <button
        type="button"
        className="button button-small"
        onClick={() => onChange({ ...price, tiers: [...tiers, emptyTier] })}
      >
        Add a tier
      </button>
    </fieldset>
  );
}

function DimensionPrices({
  charge,
  path,
  error,
  dimensions,
  onChange,
}: {
  charge: ChargeDraft;
  path: string;
  error: unknown;
  dimensions: readonly string[];
  onChange: (charge: ChargeDraft) => void;
}) {
  const all = charge.dimensionPrices;
  const set = (index: number, change: Partial<(typeof all)[number]>) =>
    onChange({ ...charge, dimensionPrices: all.map((one, at) => (at === index ? { ...one, ...change } : one)) });
  return (
    <fieldset className="dimension-prices">
      <legend>Prices by {dimensions.join(' and ')}</legend>
      {all.map((one, index) => (
        <div key={index} className="dimension-editor">
          <FormField
            field={{
              name: 'values',
              label: dimensions.join(', '),
              required: true,
              hint: dimensions.length > 1 ? 'A value for each, separated by a comma.' : undefined,
            }}
            value={one.values}
            error={errorAt(error, `${path}.dimensionPrices[${index}].values`)}
            onChange={(values) => set(index, { values })}
          />
          <PriceEditor
            price={one.price}
            path={`${path}.dimensionPrices[${index}].price`}
            error={error}
            metered
            onChange={(price) => set(index, { price })}
          />
          <button
            type="button"
            className="button button-small"
            aria-label={`Remove the price of ${one.values || 'these values'}`}
            onClick={() => onChange({ ...charge, dimensionPrices: all.filter((_, at) => at !== index) })}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button button-small"
        onClick={() => onChange({ ...charge, dimensionPrices: [...all, { values: '', price: emptyPrice }] })}
      >
        Add a price of a value
      </button>
    </fieldset>
  );
}

function Discounts({
  discounts,
  path,
  error,
  currency,
  onChange,
}: {
  discounts: readonly DiscountDraft[];
  path: string;
  error: unknown;
  currency: string;
  onChange: (discounts: DiscountDraft[]) => void;
}) {
  const fields: readonly FieldSpec<keyof DiscountDraft>[] = [
    { name: 'name', label: 'Name' },
    { name: 'key', label: 'Key', required: true },
    { name: 'percent', label: 'Percent', kind: 'decimal' },
    { name: 'amount', label: `or ${currency}`, kind: 'decimal' },
  ];
  return (
    <ListEditor
      title="Discounts"
      what="discount"
      items={discounts}
      fields={fields}
      path={path}
      error={error}
      empty={{ key: '', name: '', percent: '', amount: '' }}
      onChange={onChange}
    />
  );
}

/** Rows of the same few fields, which can be added and removed. */
function ListEditor<Item extends Record<string, string>>({
  title,
  what,
  items,
  fields,
  path,
  error,
  empty,
  onChange,
}: {
  title: string;
  what: string;
  items: readonly Item[];
  fields: readonly FieldSpec<keyof Item & string>[];
  path: string;
  error: unknown;
  empty: Item;
  onChange: (items: Item[]) => void;
}) {
  return (
    <fieldset>
      <legend>{title}</legend>
      {items.map((item, index) => (
        <div key={index} className="form-grid list-row">
          {fields.map((field) => (
            <FormField
              key={field.name}
              field={field}
              value={item[field.name] ?? ''}
              error={errorAt(error, `${path}[${index}].${field.name}`)}
              onChange={(value) =>
                onChange(items.map((one, at) => (at === index ? { ...one, [field.name]: value } : one)))
              }
            />
          ))}
          <button
            type="button"
            className="button button-small"
            aria-label={`Remove ${what} ${index + 1}`}
            onClick={() => onChange(items.filter((_, at) => at !== index))}
          >
            Remove
          </button>
        </div>
      ))}
      <button type="button" className="button button-small" onClick={() => onChange([...items, empty])}>
        Add a {what}
      </button>
    </fieldset>
  );
}

type TermsField = 'commitment' | 'overageFactor' | 'minimum' | 'maximum' | 'taxMode' | 'proration';

function TermsEditor({
  terms,
  error,
  currency,
  onChange,
}: {
  terms: TermsDraft;
  error: unknown;
  currency: string;
  onChange: (terms: TermsDraft) => void;
}) {
  const field = (spec: FieldSpec<TermsField>) => (
    <FormField
      field={spec}
      value={terms[spec.name]}
      error={errorAt(error, spec.path ?? `terms.${spec.name}`)}
      onChange={(value) => onChange({ ...terms, [spec.name]: value })}
    />
  );
  return (
    <Card title="The invoice as a whole">
      <div className="form-grid">
        {field({
          name: 'commitment',
          label: 'Committed usage, a period',
          kind: 'decimal',
          path: 'terms.commitment.amount',
        })}
        {terms.commitment
          ? field({
              name: 'overageFactor',
              label: 'Usage beyond it costs, times its price',
              kind: 'decimal',
              path: 'terms.commitment.overageFactor',
            })
          : null}
        {field({ name: 'minimum', label: 'At least, a period', kind: 'decimal' })}
        {field({ name: 'maximum', label: 'At most, a period', kind: 'decimal' })}
        {field({ name: 'proration', label: 'Parts of a period', kind: 'select', options: PRORATIONS })}
        {field({
          name: 'taxMode',
          label: 'Taxes',
          kind: 'select',
          options: [
            { value: 'EXCLUSIVE', label: 'are added to the prices' },
            { value: 'INCLUSIVE', label: 'are contained in the prices' },
          ],
        })}
      </div>
      <ListEditor
        title="Tax rates"
        what="tax"
        items={terms.taxes}
        fields={[
          { name: 'name', label: 'Name' },
          { name: 'key', label: 'Key', required: true },
          { name: 'percent', label: 'Percent', kind: 'decimal', required: true },
        ]}
        path="terms.taxes"
        error={error}
        empty={{ key: '', name: '', percent: '' }}
        onChange={(taxes) => onChange({ ...terms, taxes })}
      />
      <Discounts
        discounts={terms.discounts}
        path="terms.discounts"
        error={error}
        currency={currency}
        onChange={(discounts) => onChange({ ...terms, discounts })}
      />
    </Card>
  );
}
