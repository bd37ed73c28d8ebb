import { describe, expect, it } from 'vitest';
import { atThisPace } from '../src/customers/pace';

const line = (meter: string | null, quantity: string, kind = 'CHARGE') =>
  ({ meter, quantity, kind }) as Parameters<typeof atThisPace>[0]['lines'][number];
const preview = {
  periodStart: '2026-11-01T00:00:00Z',
  periodEnd: '2026-12-01T00:00:00Z',
  lines: [line(null, '1'), line('calls', '1000'), line('peak', '64'), line('calls', '7', 'ADJUSTMENT')],
};
const meters = [
  { key: 'calls', aggregation: 'COUNT' },
  { key: 'peak', aggregation: 'MAX' },
] as const;

describe('at this pace', () => {
  it('a sum goes on as it has, a maximum stays', () => {
    expect(atThisPace(preview, meters, Date.parse('2026-11-11T00:00:00Z'))).toEqual({ calls: '3000', peak: '64' });
  });

  it('keeps the digits of a large sum', () => {
    const large = { ...preview, lines: [line('calls', '12345678901234567890')] };
    expect(atThisPace(large, meters, Date.parse('2026-11-16T00:00:00Z'))).toEqual({ calls: '24691357802469135780' });
  });

  it('says what is, where no time has passed, or all', () => {
    for (const now of ['2026-10-30T00:00:00Z', '2026-11-01T00:00:00Z', '2026-12-05T00:00:00Z'])
      expect(atThisPace(preview, meters, Date.parse(now)).calls).toBe('1000');
    expect(atThisPace(preview, meters, null).calls).toBe('1000');
  });
});
