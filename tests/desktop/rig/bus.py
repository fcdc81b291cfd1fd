"""The desktop's side of the session bus: who shows notifications, holds the tray and listens for progress."""
import threading
from dataclasses import dataclass, field

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""
WATCHER = """<node><interface name="org.kde.StatusNotifierWatcher">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
</interface></node>"""
FILE_MANAGER = """<node><interface name="org.freedesktop.FileManager1">
<method name="ShowItems"><arg type="as" direction="in"/><arg type="s" direction="in"/></method>
</interface></node>"""
LAUNCHER = "com.canonical.Unity.LauncherEntry"
MENU = "com.canonical.dbusmenu"
ANSWER_MS = 5000


@dataclass
class Notice:
    """A notification as it was asked for."""

    number: int
    summary: str
    body: str
    actions: list


@dataclass
class Entry:
    """An entry of the tray's menu."""

    number: int
    label: str
    enabled: bool
    checked: bool
    entries: list = field(default_factory=list)


class Desktop:
    """Owns the desktop's names on the bus for as long as the session lasts."""

    def __init__(self):
        self.notices = []
        self.shown_in_folder = []
        self.fractions = []
        self.trays = []
        self.loop = GLib.MainLoop()
        self.bus = None

    def __enter__(self):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        for path, xml, called in (
            ("/org/freedesktop/Notifications", NOTIFICATIONS, self._notifications),
            ("/StatusNotifierWatcher", WATCHER, self._watcher),
            ("/org/freedesktop/FileManager1", FILE_MANAGER, self._file_manager),
        ):
            interface = Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]
            self.bus.register_object(path, interface, called, self._property, None)
        for name in ("org.freedesktop.Notifications", "org.kde.StatusNotifierWatcher", "org.freedesktop.FileManager1"):
            Gio.bus_own_name_on_connection(self.bus, name, Gio.BusNameOwnerFlags.NONE, None, None)
        self.bus.signal_subscribe(None, LAUNCHER, "Update", None, None, Gio.DBusSignalFlags.NONE, self._progress)
        threading.Thread(target=self.loop.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.loop.quit()

    def forget(self):
        """Starts again with nothing seen."""
        for seen in (self.notices, self.shown_in_folder, self.fractions, self.trays):
            seen.clear()

    def tray(self):
        """The newest tray icon, if its program is there."""
        return next((tray for tray in self.trays[-1:] if tray.is_there()), None)

    def invoke(self, notice, action):
        """Presses a notification's button."""
        arguments = GLib.Variant("(us)", (notice.number, action))
        path, interface = "/org/freedesktop/Notifications", "org.freedesktop.Notifications"
        self.bus.emit_signal(None, path, interface, "ActionInvoked", arguments)

    def _notifications(self, _bus, _owner, _path, _interface, method, arguments, call):
        if method == "Notify":
            _, replaced, _, summary, body, actions, _, _ = arguments.unpack()
            number = replaced or len(self.notices) + 1
            self.notices.append(Notice(number, summary, body, actions))
            call.return_value(GLib.Variant("(u)", (number,)))
        elif method == "GetCapabilities":
            call.return_value(GLib.Variant("(as)", (["actions", "body", "body-markup"],)))
        elif method == "GetServerInformation":
            call.return_value(GLib.Variant("(ssss)", ("tests", "Ropeway", "1", "1.2")))
        else:
            call.return_value(None)

    def _watcher(self, _bus, owner, _path, _interface, method, arguments, call):
        if method == "RegisterStatusNotifierItem":
            self.trays.append(Tray(self.bus, owner, arguments.unpack()[0]))
        call.return_value(None)

    def _file_manager(self, _bus, _owner, _path, _interface, _method, arguments, call):
        self.shown_in_folder.extend(arguments.unpack()[0])
        call.return_value(None)

    def _progress(self, _bus, _owner, _path, _interface, _signal, arguments):
        _, properties = arguments.unpack()
        self.fractions.append(properties["progress"] if properties["progress-visible"] else None)

    @staticmethod
    def _property(_bus, _owner, _path, _interface, name):
        return {
            "RegisteredStatusNotifierItems": GLib.Variant("as", []),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
            "ProtocolVersion": GLib.Variant("i", 0),
        }[name]


class Tray:
    """A program's icon in the tray, with its menu."""

    def __init__(self, bus, owner, path):
        self.bus, self.owner, self.path = bus, owner, path

    def is_there(self):
        try:
            return bool(self.properties())
        except GLib.Error:
            return False

    def properties(self):
        """What the icon shows: its label is `XAyatanaLabel`."""
        arguments = GLib.Variant("(s)", ("org.kde.StatusNotifierItem",))
        return self._ask(self.path, "org.freedesktop.DBus.Properties", "GetAll", arguments)[0]

    def menu(self):
        """All entries, in order, with those of submenus inside."""
        arguments = GLib.Variant("(iias)", (0, -1, []))
        _, (_, _, entries) = self._ask(self.properties()["Menu"], MENU, "GetLayout", arguments)
        return [_entry(entry) for entry in entries]

    def labels(self):
        return [entry.label for entry in self.menu()]

    def click(self, *labels):
        """Clicks an entry; the labels before it are those of the submenus it is in."""
        entries = self.menu()
        for label in labels:
            found = [entry for entry in entries if entry.label == label]
            assert found, f"the tray has no entry {label!r}, only {[entry.label for entry in entries]}"
            entry, entries = found[0], found[0].entries
        arguments = GLib.Variant("(isvu)", (entry.number, "clicked", GLib.Variant("i", 0), 0))
        self._ask(self.properties()["Menu"], MENU, "Event", arguments)

    def _ask(self, path, interface, method, arguments):
        return self.bus.call_sync(self.owner, path, interface, method, arguments, None, 0, ANSWER_MS, None).unpack()


def _entry(raw):
    number, properties, children = raw
    return Entry(
        number,
        properties.get("label", ""),
        properties.get("enabled", True),
        properties.get("toggle-state", 0) == 1,
        [_entry(child) for child in children],
    )
