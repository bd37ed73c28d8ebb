import { Menu as BaseMenu } from '@base-ui/react/menu';
import { popupPlace } from './popupPlace';

export type MenuAction = { label: string; onSelect: () => void; danger?: boolean };

/** The actions of a row or a page beyond the first ones. Absent when there are none. */
export function Menu({ label, actions }: { label: string; actions: readonly (MenuAction | null | false)[] }) {
  const shown = actions.filter((action): action is MenuAction => Boolean(action));
  if (shown.length === 0) return null;
  return (
    <BaseMenu.Root modal={false}>
      <BaseMenu.Trigger className="button button-small" aria-label={label}>
        ⋯
      </BaseMenu.Trigger>
      <BaseMenu.Portal container={popupPlace()}>
        <BaseMenu.Positioner align="end" sideOffset={4} className="menu-place">
          <BaseMenu.Popup className="menu">
            {shown.map((action) => (
              <BaseMenu.Item
                key={action.label}
                className={action.danger ? 'menu-item menu-danger' : 'menu-item'}
                onClick={action.onSelect}
              >
                {action.label}
              </BaseMenu.Item>
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}
