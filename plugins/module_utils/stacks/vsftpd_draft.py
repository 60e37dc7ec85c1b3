# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vsftpd that is not installed: its files in a repository, read as version 3.0.5 of the project reads them."""

from __future__ import annotations

import posixpath
import typing as t

from ..baseline.dialects import openssl
from .contract import Instance
from .repository import OPENSSL, Layout
from .vsftpd import Build

if t.TYPE_CHECKING:
    from .host import Host

_VERSION = (3, 0, 5)

#: Every setting of that version (parseconf.c).
_NAMES = """
accept_timeout allow_anon_ssl allow_writeable_chroot anon_max_rate anon_mkdir_write_enable anon_other_write_enable
anon_root anon_umask anon_upload_enable anon_world_readable_only anonymous_enable ascii_download_enable
ascii_upload_enable async_abor_enable background banned_email_file banner_file ca_certs_file check_shell
chmod_enable chown_upload_mode chown_uploads chown_username chroot_list_enable chroot_list_file chroot_local_user
cmds_allowed cmds_denied connect_from_port_20 connect_timeout data_connection_timeout debug_ssl delay_failed_login
delay_successful_login delete_failed_uploads deny_email_enable deny_file dirlist_enable dirmessage_enable
dsa_cert_file dsa_private_key_file dual_log_enable email_password_file file_open_mode force_anon_data_ssl
force_anon_logins_ssl force_dot_files force_local_data_ssl force_local_logins_ssl ftp_data_port ftp_enable
ftp_username ftpd_banner guest_enable guest_username hide_file hide_ids http_enable idle_session_timeout
implicit_ssl isolate isolate_network listen listen_address listen_address6 listen_ipv6 listen_port local_enable
local_max_rate local_root local_umask lock_upload_files log_ftp_protocol ls_recurse_enable max_clients
max_login_fails max_per_ip mdtm_write message_file no_anon_password no_log_lock nopriv_user one_process_model
pam_service_name passwd_chroot_enable pasv_addr_resolve pasv_enable pasv_max_port pasv_min_port pasv_promiscuous
port_enable port_promiscuous ptrace_sandbox require_cert require_ssl_reuse rsa_cert_file rsa_private_key_file
run_as_launching_user seccomp_sandbox secure_chroot_dir secure_email_list_enable session_support setproctitle_enable
ssl_ciphers ssl_enable ssl_request_cert ssl_sni_hostname ssl_sslv2 ssl_sslv3 ssl_tlsv1 ssl_tlsv11 ssl_tlsv12
ssl_tlsv13 strict_ssl_read_eof strict_ssl_write_shutdown syslog_enable tcp_wrappers text_userdb_names
tilde_user_enable trans_chunk_size use_localtime use_sendfile user_config_dir user_sub_token userlist_deny
userlist_enable userlist_file utf8_filesystem validate_cert virtual_use_local_privs vsftpd_log_file xferlog_enable
xferlog_file xferlog_std_format
"""

LAYOUTS = (Layout("/etc", "vsftpd.conf", {}), Layout("/etc/vsftpd", "vsftpd.conf", {}))


def draft(host: Host, layout: Layout) -> Instance:
    """The instance of vsftpd 3.0.5 with OpenSSL 3.0 that these files would make."""
    config = posixpath.join(layout.home, layout.main)
    # Without a file of parameters for it the context has one curve (ssl.c).
    known = openssl.capabilities(OPENSSL)._replace(groups=frozenset(["secp256r1"]))
    names = frozenset(_NAMES.split())
    build = Build("/usr/sbin/vsftpd", _VERSION, names, config, "ECDHE-RSA-AES256-GCM-SHA384", known, "")
    facts: dict[str, t.Any] = {"build": build, "arguments": [config], "unit": None, "pid": None, "environment": {}}
    return Instance("vsftpd", config, _VERSION, config, known, False, facts)
